"""What was measured: events, their matching into messages, the bounded log, exports."""
