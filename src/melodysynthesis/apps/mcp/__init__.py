"""The package as tools of the Model Context Protocol, for assistants and other programs.

    command   `melody mcp`: serves over standard input and output
    tools     the table of tools: name, arguments, and what each does
    transport messages as lines of JSON, of bounded length

The tools use the studio's service: its workers, request model, and limits on size and time.
"""
