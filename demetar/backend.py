"""Settings of JAX that hold for the whole process."""

import os
from pathlib import Path

import jax


def configure() -> None:
    """Keeps compiled functions between processes, in a private folder of the user.

    $DEMETAR_CACHE moves the folder; an empty value switches the cache off. JAX trusts what it
    finds there, so nobody else may be able to write it.
    """
    folder = os.environ.get("DEMETAR_CACHE", str(Path.home() / ".cache" / "demetar" / "xla"))
    if not folder or jax.config.values["jax_compilation_cache_dir"]:
        return
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError:  # a read-only home only costs compile time
        return
    jax.config.update("jax_compilation_cache_dir", folder)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
