"""`fleet.toml` as it lies in the station's folder; what may stand in it is in settings.py."""

from pathlib import Path

from bodycam_station.files import keep_secret, read_settings_file
from bodycam_station.fleet.settings import FILE, Settings, read_settings


def settings_of(folder: Path) -> Settings:
    """Those in a station's folder; raises ConfigError where they cannot be used."""
    data = read_settings_file(folder / FILE)
    if data is None:
        return Settings()
    settings = read_settings(data)
    if settings.hook_secret or "@" in settings.database:
        keep_secret(folder / FILE, "a secret")
    return settings
