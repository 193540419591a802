"""Attempts to log in."""

from __future__ import annotations

from django.test import Client

LOGIN = "/admin/login/"
HERE, ELSEWHERE, PROXY = "203.0.113.5", "198.51.100.7", "10.0.0.1"


def attempt(password="wrong", name="ada", address=HERE, forwarded="", client=None, agent="browser"):
    headers = {"User-Agent": agent} | ({"X-Forwarded-For": forwarded} if forwarded else {})
    data = {"username": name, "password": password, "next": "/admin/"}
    return (client or Client()).post(LOGIN, data, REMOTE_ADDR=address, headers=headers)
