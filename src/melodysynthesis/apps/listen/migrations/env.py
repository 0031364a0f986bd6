"""Run by Alembic with the connection that `database.migrate` gives it, inside that one's transaction."""

from alembic import context

from melodysynthesis.apps.listen.tables import VERSION_TABLE, Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite changes a table by making it again
)
context.run_migrations()
