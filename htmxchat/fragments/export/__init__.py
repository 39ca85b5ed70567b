"""A conversation outside the chat: as Markdown, and as a page that is only read."""
