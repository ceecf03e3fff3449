"""What the main process and workers exchange: messages, counters in shared memory, reasons."""
