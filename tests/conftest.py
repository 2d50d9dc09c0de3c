"""How random cases are drawn: the same way at a desk and in CI, from the seed that is printed."""

from hypothesis import settings

# No deadline: the machine may be busy, and what must be fast is measured by `make bench`.
settings.register_profile("house", settings.get_profile("default"), deadline=None, print_blob=True)
settings.load_profile("house")
