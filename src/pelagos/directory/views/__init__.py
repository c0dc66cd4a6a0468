"""Views: how services are reached over HTTP, each on `base.BaseViewPlugin`.

Admission rule: reads a request, calls one service, writes the answer; decides nothing.
"""
