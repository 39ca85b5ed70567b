/** What these modules use of htmx. */
declare const htmx: {
  process(element: Element): void;
  registerExtension(name: string, extension: Record<string, unknown>): void;
};
