"""One scenario a module: `play(stage)` acts through our adapter and says what must be seen."""
