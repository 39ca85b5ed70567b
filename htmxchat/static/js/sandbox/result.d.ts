/** What comes of a script. Made from htmxchat/scripts/result.py by `python -m tests.result_types`. */

/** The state of a script. States from `DONE` on are final, until it is edited or run again. */
export type ScriptState =
  | "queued"
  | "approved"
  | "running"
  | "done"
  | "failed"
  | "rejected"
  | "cancelled"
  | "timed-out";

/** How a script ends that a page has run. */
export type ScriptEnd = "done" | "failed" | "cancelled" | "timed-out";

export type Cell = string | number | boolean | null;

/** A value as text. */
export interface TextValue {
  kind: "text";
  text: string;
  /** `html` is HTML source, to be shown as text. */
  format: "plain" | "html";
}

/** A table, or the beginning of it. */
export interface TableValue {
  kind: "table";
  /** The names of the columns. */
  columns: string[];
  /** The rows, each with one cell per column. Empty in a run's log. */
  rows: Cell[][];
  /** The number of rows of the whole table. */
  total: number;
  /** The number of columns of the whole table. */
  width: number;
}

/** A picture that a script drew. */
export interface Picture {
  kind: "image";
  /** Its media type. */
  type: "image/png" | "image/svg+xml";
  /** The bytes of its file; empty in a run's log. */
  base64: string;
}

export type ScriptValue = TextValue | TableValue | Picture;

/** Why a script did not complete. */
export interface ScriptError {
  /** `python` for an exception, `sandbox` for an error of the sandbox or the chat. */
  origin: "python" | "sandbox";
  /** The message, for users. */
  message: string;
  /** The exception's name, or the sandbox's name for the error. May be empty. */
  type: string;
  /** Python's, or empty. */
  traceback: string;
}

/** The result of a script. */
export interface ScriptResult {
  /** done, failed, rejected, cancelled or timed-out. */
  state: ScriptState;
  stdout: string;
  stderr: string;
  /** The value of its last line, if that is an expression with a value. */
  value: ScriptValue | null;
  /** The figures that it left open, besides the value. */
  pictures: Picture[];
  /** Why it is not done; may be missing if the user rejected or cancelled it. */
  error: ScriptError | null;
  /** How long it ran. */
  seconds: number;
  /** Whether output was cut because it was too long. */
  truncated: boolean;
  /** The code that ran, perhaps edited by the user. Empty if nothing ran. */
  code: string;
}
