from __future__ import annotations

from typing import Any

import pytest

from pelagos.core.errors import ConfigError
from pelagos.plane.products import products


@pytest.mark.parametrize("value", [5, [], [5], "", [""], {"a": "b"}])
def test_a_product_without_releases_is_refused(value: Any):
    with pytest.raises(ConfigError, match=r"master\.products\.web") as caught:
        products({"web": value})
    assert "web = [" in (caught.value.hint or "")


def test_products_keep_the_order_of_their_releases():
    assert products({"web": ["/2.cfg", "/1.cfg"]}) == {"web": ("/2.cfg", "/1.cfg")}
