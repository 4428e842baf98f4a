"""Which addresses may be framed: every way we know to make one host look like another."""

import pytest

from tenant_apps.courses.content.embeds import DEFAULT_ALLOWED_EMBED_HOSTS, check_embed_url
from tenant_apps.courses.content.errors import BadAllowedHost, EmbedNotAllowed


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        (
            "https://www.youtube-nocookie.com/embed/abc?rel=0",
            "https://www.youtube-nocookie.com/embed/abc?rel=0",
        ),
        ("HTTPS://Player.Vimeo.COM/video/1#t=30s", "https://player.vimeo.com/video/1#t=30s"),
        ("https://www.youtube.com", "https://www.youtube.com/"),
        ("https://www.youtube.com?v=1", "https://www.youtube.com/?v=1"),
        ("https://www.youtube.com/ü\"<>'", "https://www.youtube.com/%C3%BC%22%3C%3E%27"),
        ("https://www.youtube.com/a%20b", "https://www.youtube.com/a%20b"),
        ("https://www.youtube.com/?u=a@b:80", "https://www.youtube.com/?u=a@b:80"),
    ],
)
def test_allowed_address_becomes_canonical(url: str, canonical: str) -> None:
    assert check_embed_url(url) == canonical
    assert check_embed_url(canonical) == canonical


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://www.youtube.com/embed/x", "embed_scheme"),
        ("ftp://www.youtube.com/", "embed_scheme"),
        ("javascript://www.youtube.com/%0aalert(1)", "embed_scheme"),
        ("javascript:alert(1)", "embed_url_malformed"),
        ("data:text/html,x", "embed_url_malformed"),
        ("//www.youtube.com/embed/x", "embed_url_malformed"),
        ("https:www.youtube.com", "embed_url_malformed"),
        ("https:/www.youtube.com", "embed_url_malformed"),
        ("https:///www.youtube.com/", "embed_url_malformed"),
        ("", "embed_url_malformed"),
        (" https://www.youtube.com/", "embed_url_malformed"),
        ("https://www.youtube.com/\n", "embed_url_malformed"),
        ("https://www.you\ttube.com/", "embed_url_malformed"),
        ("https://www.youtube.com\\@evil.example/", "embed_url_malformed"),
        ("https:\\\\www.youtube.com/", "embed_url_malformed"),
        ("https://www.youtube.com\u200b/", "embed_url_malformed"),
        ("https://www.you\u00adtube.com/", "embed_url_malformed"),
        ("https://www.youtube.com./", "embed_url_malformed"),
        ("https://www..youtube.com/", "embed_url_malformed"),
        ("https://www%2eyoutube.com/", "embed_url_malformed"),
        ("https://www。youtube。com/", "embed_url_malformed"),
        ("https://ｗｗｗ.youtube.com/", "embed_url_malformed"),
        ("https://www.youtube.com/\ud800", "embed_url_malformed"),
        ("https://www.youtube.com/" + "a" * 2000, "embed_url_malformed"),
        ("https://www.youtube.com@evil.example/", "embed_userinfo"),
        ("https://evil.example@www.youtube.com/", "embed_userinfo"),
        ("https://user:pw@www.youtube.com/", "embed_userinfo"),
        ("https://www.youtube.com:443/", "embed_port"),
        ("https://www.youtube.com:8443/", "embed_port"),
        ("https://127.0.0.1/", "embed_ip_address"),
        ("https://2130706433/", "embed_ip_address"),
        ("https://0x7f.1/", "embed_ip_address"),
        ("https://[::1]/", "embed_ip_address"),
        ("https://www.youtube.com.evil.example/", "embed_host"),
        ("https://evilwww.youtube.com/", "embed_host"),
        ("https://youtube.com/", "embed_host"),
        ("https://www.уoutube.com/", "embed_host"),
        ("https://www.xn--outube-vrf.com/", "embed_host"),
        ("https://evil.example#@www.youtube.com/", "embed_host"),
        ("https://evil.example?www.youtube.com/", "embed_host"),
        ("https://localhost/", "embed_url_malformed"),
    ],
)
def test_other_address_is_refused_by_its_rule(url: str, code: str) -> None:
    with pytest.raises(EmbedNotAllowed) as caught:
        check_embed_url(url)
    assert caught.value.code == code
    assert caught.value.allowed == DEFAULT_ALLOWED_EMBED_HOSTS


def test_refusal_names_the_host_in_punycode() -> None:
    with pytest.raises(EmbedNotAllowed) as caught:
        check_embed_url("https://www.уoutube.com/")
    assert caught.value.host == "www.xn--outube-vrf.com"


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        ("a.videos.example", True),
        ("a.b.videos.example", True),
        ("videos.example", False),
        ("evilvideos.example", False),
        ("a.videos.example.evil", False),
    ],
)
def test_wildcard_means_hosts_below_and_not_itself(host: str, is_allowed: bool) -> None:
    # given
    url = f"https://{host}/x"
    # when
    try:
        answer: str | None = check_embed_url(url, ["*.videos.example"])
    except EmbedNotAllowed:
        answer = None
    # then
    assert answer == (url if is_allowed else None)


def test_international_host_is_compared_and_returned_in_punycode() -> None:
    assert check_embed_url("https://bücher.example/", ["BÜCHER.example"]) == "https://xn--bcher-kva.example/"


@pytest.mark.parametrize(
    "entry", ["*", "*.com", "", "https://a.example", "a.example/x", "a.*.example", "10.0.0.1"]
)
def test_unusable_setting_is_refused_loudly(entry: str) -> None:
    with pytest.raises(BadAllowedHost) as caught:
        check_embed_url("https://www.youtube.com/", [entry])
    assert caught.value.entry == entry
