"""Drives the account operations with the published client: base URL, token and customer id are the arguments."""

import sys

import fastly
from fastly.api import customer_api, user_api

# Every option of updateCustomer, with what is read back.
WRITABLE = {
    "billing_network_type": "private",
    "billing_ref": "PO-7731",
    "ip_whitelist": "10.0.0.0/8",
    "name": "Harbour & Söhne + Co",
    "phone_number": "+44 20 7946 0011",
    "postal_address": "4 Harbour Lane\nUnit 2",
    "pricing_plan": "developer",
    "pricing_plan_id": "5hXj2PwLs8NcVt1gRyA9Ek",
    "force_2fa": True,
    "force_sso": True,
    "has_account_panel": True,
    "has_improved_events": True,
    "has_openstack_logging": True,
    "has_pci": True,
    "billing_contact_id": "owner",
    "legal_contact_id": "owner",
    "security_contact_id": "owner",
    "technical_contact_id": "owner",
    "owner_id": "owner",
}
# Options without effect, with what is sent; what is read back stays as it was.
READ_ONLY = {
    "can_configure_wordpress": True,
    "can_reset_passwords": False,
    "can_upload_vcl": True,
    "has_improved_ssl_config": True,
    "has_pci_passwords": True,
}


def main(base, token, customer):
    configuration = fastly.Configuration(host=base)
    configuration.api_token = token
    with fastly.ApiClient(configuration) as client:
        api = customer_api.CustomerApi(client)
        before = api.get_customer(customer)
        assert before["id"] == customer, before
        assert api.get_logged_in_customer() == before
        users = api.list_users(customer)
        assert [user["id"] for user in users] == sorted(user["id"] for user in users)
        owner = next(user for user in users if user["id"] == before["owner_id"])
        assert user_api.UserApi(client).get_current_user()["id"] == owner["id"]
        # A role is an object of the client, not a text.
        assert (str(owner["role"]), owner["customer_id"]) == ("superuser", customer), owner

        options = {k: owner["id"] if v == "owner" else v for k, v in WRITABLE.items()}
        offered = set(api.update_customer_endpoint.params_map["all"]) - {"customer_id"}
        offered -= {name for name in offered if name.startswith(("_", "async"))}
        assert offered == set(options) | set(READ_ONLY), offered ^ (set(options) | set(READ_ONLY))

        for name, value in options.items():
            shown = api.update_customer(customer_id=customer, **{name: value})
            assert shown[name] == value, (name, shown[name])
            assert api.get_customer(customer)[name] == value, name
        for name, value in READ_ONLY.items():
            shown = api.update_customer(customer_id=customer, **{name: value})
            assert shown[name] == before[name], (name, shown[name])
        flags = {name: False for name, value in options.items() if value is True}
        shown = api.update_customer(customer_id=customer, **flags)
        assert not any(shown[name] for name in flags)
        shown = api.update_customer(customer_id=customer, **options, **READ_ONLY)
        assert all(shown[name] == value for name, value in options.items())
        assert api.update_customer(customer_id=customer) == shown

        try:
            api.get_customer("0" * 22)
            raise AssertionError("another id is answered")
        except fastly.exceptions.NotFoundException:
            pass
        assert api.delete_customer(customer)["status"] == "ok"
        try:
            api.get_logged_in_customer()
            raise AssertionError("the token still works")
        except fastly.exceptions.UnauthorizedException:
            pass
    print(f"6 operations, {len(options)} options set and read back, {len(READ_ONLY)} without effect")


main(*sys.argv[1:])
