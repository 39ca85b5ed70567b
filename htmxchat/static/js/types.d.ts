/** What these modules use of htmx. */
declare const htmx: {
  ajax(method: string, url: string, context: { target: string; swap: string }): Promise<void>;
  process(element: Element): void;
  registerExtension(name: string, extension: Record<string, unknown>): void;
};

/** What htmx tells of a request in the events `htmx:…`. */
interface HtmxContext {
  sourceElement?: Element;
  sourceEvent?: Event;
  target?: Element;
  swap?: string;
  text?: string;
  request?: { action?: string; headers?: Record<string, string>; method?: string; body?: URLSearchParams; submitter?: Element | null };
  response?: { status: number; headers: Headers };
}
