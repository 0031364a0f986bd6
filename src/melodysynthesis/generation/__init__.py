"""Generation: a request, a prompt for each melody, a sampler, files."""
