"""The studio: a page in the browser to compose melodies and to compare models, served from this package.

    command       `melody studio`: addresses, models, uvicorn
    api           what the page requests: HTTP and a WebSocket, documented by OpenAPI
    schemas       what OpenAPI says beyond the types
    theory_table  what the page needs of music theory: meters, names of pitches, chord entrances
    service       the models, workers and baselines behind the interface
    disconnect    work that is cancelled when its client disconnects
    pool          worker processes: one job at a time each, ended when a job takes too long or its client has gone
    worker        the process itself
    jobs          what a worker can do: generate, read, engrave, convert, judge, sound
    background    jobs that run once for all clients, such as counting baselines, in a process of their own
    analysis      what is found of melodies: certificate, originality, surprise, descriptors
    live          playing with a model over a WebSocket
    live_session  the session behind it, and its clock
    limits        how much of anything is accepted
    static/       the page: HTML, style sheets, and ES modules as they are, typed by JSDoc

`apps.web` decides which requests are answered and how errors are worded. The process that answers the browser does not
work on untrusted input itself: workers do, and they can be ended at any time.
"""
