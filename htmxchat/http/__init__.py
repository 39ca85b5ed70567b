"""What HTTP asks of the chat: addresses and headers, files, streams, and guards around all of them."""
