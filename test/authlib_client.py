"""A client on Authlib (Python): prints one JSON object a line, is told by lines.

It prints the address to open, is told the address that the browser came back
to, and then prints what each step gave. Settings come as JSON in argv[1].
"""

import json
import sys

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, jwt
from authlib.oidc.core import CodeIDToken
from authlib.common.security import generate_token


def say(**told):
    print(json.dumps(told), flush=True)


def refused(step):
    """The OAuth error that a step ends with, or None when it works."""
    try:
        step()
    except OAuthError as wrong:
        return wrong.error
    return None


settings = json.loads(sys.argv[1])
server = requests.get(settings["issuer"] + "/.well-known/openid-configuration", timeout=10).json()
session = OAuth2Session(
    settings["client_id"],
    settings["client_secret"],
    scope="openid profile offline_access",
    redirect_uri=settings["redirect_uri"],
    code_challenge_method="S256",
    token_endpoint_auth_method="client_secret_basic",
)
verifier, nonce = generate_token(48), generate_token(16)
url, state = session.create_authorization_url(server["authorization_endpoint"], code_verifier=verifier, nonce=nonce)
say(open=url)

back = sys.stdin.readline().strip()
token = session.fetch_token(server["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier)
keys = JsonWebKey.import_key_set(requests.get(server["jwks_uri"], timeout=10).json())
claims = jwt.decode(
    token["id_token"],
    keys,
    claims_cls=CodeIDToken,
    claims_options={"iss": {"value": settings["issuer"]}, "aud": {"value": settings["client_id"]}},
    claims_params={"nonce": nonce, "client_id": settings["client_id"], "access_token": token["access_token"]},
)
claims.validate()
say(sub=claims["sub"], name=session.get(server["userinfo_endpoint"]).json()["name"])

newer = session.refresh_token(server["token_endpoint"], refresh_token=token["refresh_token"])
say(refreshed=newer["access_token"] != token["access_token"])
about = session.introspect_token(server["introspection_endpoint"], token=newer["access_token"]).json()
say(active=about["active"])
session.revoke_token(server["revocation_endpoint"], token=newer["refresh_token"], token_type_hint="refresh_token")
say(
    after_revocation=refused(lambda: session.refresh_token(server["token_endpoint"], refresh_token=newer["refresh_token"])),
    used_code=refused(lambda: session.fetch_token(server["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier)),
)

machine = OAuth2Session(settings["client_id"], settings["client_secret"], token_endpoint_auth_method="client_secret_post")
own = machine.fetch_token(server["token_endpoint"], grant_type="client_credentials", resource=settings["resource"])
say(own_token=own["access_token"])
