"""The nouns that the stages pass on: frozen values, standard library types only, no I/O."""
