"""How an attack checks what it hands over: questions kept for it, and models of the transcript to compare with."""
