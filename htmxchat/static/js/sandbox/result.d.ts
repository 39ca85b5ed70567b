/** What comes of a script. Made from htmxchat/scripts/result.py by `python -m tests.result_types`. */

/** Where a script is. Everything from `DONE` on has ended, unless it is edited or run again. */
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

/** A value in words. */
export interface TextValue {
  kind: "text";
  text: string;
  /** `html` is source, to be shown as text. */
  format: "plain" | "html";
}

/** A value in rows and columns, or the beginning of it. */
export interface TableValue {
  kind: "table";
  /** Their names. */
  columns: string[];
  /** As many cells in each as there are columns. None in a run's log. */
  rows: Cell[][];
  /** How many rows there were. */
  total: number;
  /** How many columns there were. */
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

/** Why a script did not run to its end. */
export interface ScriptError {
  /** Whose words these are: those of Python's exception, or of the sandbox and the chat. */
  origin: "python" | "sandbox";
  /** What went wrong, for people. */
  message: string;
  /** The exception's name; of the sandbox, a name for what happened. May be empty. */
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
  /** What its last line is worth, if it is an expression that has a value. */
  value: ScriptValue | null;
  /** The figures that it left open, apart from the value. */
  pictures: Picture[];
  /** Why it is not done; may be missing when the user did not want it. */
  error: ScriptError | null;
  /** How long it ran. */
  seconds: number;
  /** Whether some output was left out because there was too much. */
  truncated: boolean;
  /** What ran: what was proposed, unless the user edited it. Empty when nothing ran. */
  code: string;
}
