"""The live timeline: its widget, the protocol between kernel and page, and the page's program."""
