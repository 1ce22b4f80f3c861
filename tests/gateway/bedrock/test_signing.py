"""What a signature never lets through; botocore judges the signatures themselves in tests/referees/test_signing.py."""

from gateway.bedrock.signing import Credentials, sign


def signed(**changes):
    settings = {"host": "h", "path": "/model/a%3Ab/invoke", "body": b"{}", "headers": {}, "region": "us-east-1", "at": 0.0}
    return sign(Credentials("AKID", "secret"), **settings | changes)


def test_no_line_break_survives():
    """A header's value cannot bring a second header along."""
    assert signed(headers={"accept": "a\r\nx-evil: 1"})["accept"] == "a x-evil: 1"


def test_secrets_are_not_printed():
    """Credentials in a log line or a traceback give nothing away."""
    shown = repr(Credentials("AKIDEXAMPLE", "the-secret", "the-token"))

    assert "the-secret" not in shown
    assert "the-token" not in shown
    assert "AKIDEXAMPLE" not in shown


def test_no_token_no_header():
    """Credentials that last send no security token."""
    assert "x-amz-security-token" not in signed()


def test_seconds_are_cut():
    """Half a second does not move the signature's moment."""
    assert signed(at=1.9)["x-amz-date"] == "19700101T000001Z"
