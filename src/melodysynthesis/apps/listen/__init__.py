"""The listening test: people hear melodies of several sets, without knowing of which, rate them and choose among them.

    command     `melody listen`: new, serve, results, delete, list
    sets        the sets of melodies: folders, files, models, people's tunes
    design      which melodies a participant hears, in which order: balanced, seeded, with checks of attention
    tables      what is kept, as SQLAlchemy's tables; migrations/ makes and changes them
    database    SQLite or PostgreSQL, by URL
    store       what is done with it: make a test, take part, answer, leave
    sheets      every answer with what was heard, for results
    sounds      melodies as sound, rendered once
    api         what the page asks for
    rate        how often anybody may ask
    results     scores, ratings and agreement from the answers, and all of them as CSV
    report      the same as a person reads them
    static/     the page: HTML, a style sheet, and ES modules; what it shares with the studio's is served from there

An answer is in the database before it is acknowledged. A participant is known by a token, of which only the hash is
kept.
"""
