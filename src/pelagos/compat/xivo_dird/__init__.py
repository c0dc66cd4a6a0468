"""Plugins that were written for xivo-dird, or for wazo-dird as it is called now, load unchanged.

A package that offers entry points in `xivo_dird.backends`, `.services` or `.views` (or in the same
groups of `wazo_dird`) is found by the directory; when a plugin of it is loaded and the ancestor
itself is not installed, `import xivo_dird` in this process means what is here. So it does after
`pelagos.compat.install()`. What differs on
purpose is listed in docs/how-to/from-xivo-dird.md.
"""

from pelagos.compat.xivo_dird.adoption import adopt_wazo_dird, adopt_xivo_dird, install_names

__all__ = ["adopt_wazo_dird", "adopt_xivo_dird", "install_names"]
