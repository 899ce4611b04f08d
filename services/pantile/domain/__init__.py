"""The words and rules of the study, without input or output: standard library and numpy only."""
