"""The studio: a page in the browser to compose melodies and to compare models, served from this package.

    command     `melody studio`: addresses, models, uvicorn
    api         what the page asks for: HTTP and a WebSocket, documented by OpenAPI
    documented  what OpenAPI says beyond the types
    service     what it answers with: models, workers, baselines
    waiting     work that is given up when nobody waits for it any more
    pool        worker processes: one job at a time each, ended when it takes too long or nobody waits any more
    worker      the process itself
    jobs        what a worker can do: generate, read, engrave, convert, judge, sound
    errand      what is done once for all, such as counting baselines, in a process of its own
    examining   what is found of melodies: certificate, originality, surprise, descriptors
    streaming   the notes of melodies while they are drawn
    live        to play with a model over a WebSocket
    stage       the session that plays, and its clock
    limits      how much of anything is taken
    static/     the page: HTML, a style sheet, and ES modules as they are, typed by JSDoc

Who may ask, and how mistakes are told, stands in `apps.web`. The process that answers the browser touches nothing that
a stranger sent: workers do, and can be ended at any time.
"""
