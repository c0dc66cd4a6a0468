"""The API's description, made of the routes that are there and of one table about them.

Admission rule: what is said of the API to a program that reads it. Only `view` knows Flask.
"""
