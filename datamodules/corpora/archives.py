"""Read members of archives without unpacking them to disk."""

import tarfile


def tar_member(archive: tarfile.TarFile, name: str) -> bytes:
    """Return the content of a file in an open archive.

    Raises:
        ValueError: If there is no such file.
    """
    try:
        stream = archive.extractfile(name)
    except KeyError:
        stream = None
    if stream is None:
        raise ValueError(f"the archive has no file {name}")
    with stream:
        return stream.read()
