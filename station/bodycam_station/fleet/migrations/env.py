"""Run by Alembic. The connection comes from store.py, within its transaction."""

from alembic import context

from bodycam_station.fleet.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=False,  # the transaction is store.py's
    render_as_batch=True,
)
context.run_migrations()
