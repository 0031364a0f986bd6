"""The listening test: participants rate melodies of several sets and choose among them, without knowing the sets.

    command     `melody listen`: new, serve, results, delete, list
    sets        the sets of melodies: folders, files, models, people's tunes
    design      which melodies a participant hears, in which order: balanced, seeded, with attention checks
    tables      the database's tables, for SQLAlchemy; migrations/ creates and changes them
    database    SQLite or PostgreSQL, by URL
    store       transactions: make a test, take part, answer, leave
    answers     loads every answer together with its melodies, for results
    sounds      renders melodies as WAV, each once
    api         the page's HTTP interface
    rate        limits the requests of each address
    results     computes scores, ratings and agreement, and writes all answers as CSV
    report      prints the results
    static/     the page: HTML, a style sheet, and ES modules; modules that the studio shares are served from there

An answer is in the database before it is acknowledged. A token identifies a participant; only its hash is stored.
"""
