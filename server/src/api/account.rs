//! Customers and their people, as Fastly's clients know them.

use super::Tag;
use crate::{
    domain::account,
    http::{
        account::{Answer, Members},
        problem::{Fail, Failure},
        session::AccountCaller,
        types::{AccountRole, BillingNetwork, Nullable, Seconds},
    },
};
use poem_openapi::{Object, OpenApi, param::Path};

/// A customer, as Fastly's clients know it.
#[derive(Debug, Clone, Object)]
pub struct Account {
    id: String,
    name: String,
    owner_id: String,
    billing_contact_id: Nullable<String>,
    billing_network_type: BillingNetwork,
    billing_ref: Nullable<String>,
    ip_whitelist: String,
    legal_contact_id: Nullable<String>,
    security_contact_id: Nullable<String>,
    technical_contact_id: Nullable<String>,
    phone_number: String,
    postal_address: Nullable<String>,
    pricing_plan: String,
    pricing_plan_id: String,
    force_2fa: bool,
    force_sso: bool,
    has_account_panel: bool,
    has_improved_events: bool,
    has_openstack_logging: bool,
    has_pci: bool,
    can_configure_wordpress: Nullable<bool>,
    can_reset_passwords: bool,
    can_upload_vcl: bool,
    has_improved_ssl_config: bool,
    has_pci_passwords: bool,
    created_at: Seconds,
    updated_at: Seconds,
    deleted_at: Nullable<Seconds>,
}

impl From<account::Account> for Account {
    fn from(account: account::Account) -> Self {
        let account::Account { customer, settings: s, owner, .. } = account;
        Self {
            id: customer.public_id,
            name: customer.display_name,
            owner_id: owner.id,
            billing_contact_id: Nullable(s.billing_contact_id),
            billing_network_type: BillingNetwork(s.billing_network_type),
            billing_ref: Nullable(s.billing_ref),
            ip_whitelist: s.ip_whitelist,
            legal_contact_id: Nullable(s.legal_contact_id),
            security_contact_id: Nullable(s.security_contact_id),
            technical_contact_id: Nullable(s.technical_contact_id),
            phone_number: s.phone_number,
            postal_address: Nullable(s.postal_address),
            pricing_plan: s.pricing_plan,
            pricing_plan_id: s.pricing_plan_id,
            force_2fa: s.force_2fa,
            force_sso: s.force_sso,
            has_account_panel: s.has_account_panel,
            has_improved_events: s.has_improved_events,
            has_openstack_logging: s.has_openstack_logging,
            has_pci: s.has_pci,
            // What an account may do is not for its owner to say, and the same for all.
            can_configure_wordpress: Nullable(None),
            can_reset_passwords: true,
            can_upload_vcl: false,
            has_improved_ssl_config: false,
            has_pci_passwords: false,
            created_at: Seconds(customer.created),
            updated_at: Seconds(customer.updated.max(customer.created)),
            deleted_at: Nullable(None),
        }
    }
}

/// Changes to an account.
#[derive(Debug, Clone, Object)]
pub struct AccountUpdate {
    name: Option<String>,
    owner_id: Option<String>,
    billing_contact_id: Option<Nullable<String>>,
    billing_network_type: Option<BillingNetwork>,
    billing_ref: Option<Nullable<String>>,
    ip_whitelist: Option<String>,
    legal_contact_id: Option<Nullable<String>>,
    security_contact_id: Option<Nullable<String>>,
    technical_contact_id: Option<Nullable<String>>,
    phone_number: Option<String>,
    postal_address: Option<Nullable<String>>,
    pricing_plan: Option<String>,
    pricing_plan_id: Option<String>,
    force_2fa: Option<bool>,
    force_sso: Option<bool>,
    has_account_panel: Option<bool>,
    has_improved_events: Option<bool>,
    has_openstack_logging: Option<bool>,
    has_pci: Option<bool>,
    can_configure_wordpress: Option<Nullable<bool>>,
    can_reset_passwords: Option<bool>,
    can_upload_vcl: Option<bool>,
    has_improved_ssl_config: Option<bool>,
    has_pci_passwords: Option<bool>,
}

/// A user of an account.
#[derive(Debug, Clone, Object)]
pub struct AccountUser {
    id: String,
    customer_id: String,
    login: String,
    name: String,
    role: AccountRole,
    limit_services: bool,
    locked: Nullable<bool>,
    require_new_password: Nullable<bool>,
    two_factor_auth_enabled: Nullable<bool>,
    two_factor_setup_required: bool,
    created_at: Seconds,
    updated_at: Seconds,
    deleted_at: Nullable<Seconds>,
}

impl AccountUser {
    fn of(customer: &str, user: account::User) -> Self {
        Self {
            id: user.id,
            customer_id: customer.to_owned(),
            login: user.login,
            name: user.name,
            role: AccountRole(user.role),
            limit_services: user.limit_services,
            locked: Nullable(user.locked),
            require_new_password: Nullable(user.require_new_password),
            two_factor_auth_enabled: Nullable(user.two_factor_auth_enabled),
            two_factor_setup_required: user.two_factor_setup_required,
            created_at: Seconds(user.created),
            updated_at: Seconds(user.updated),
            deleted_at: Nullable(None),
        }
    }
}

/// That a customer is deleted.
#[derive(Debug, Clone, Object)]
pub struct AccountDeleted {
    status: String,
}

/// The operations. The front door has made sure that the id in the path is the caller's.
pub struct Api;

#[OpenApi(tag = "Tag::Account")]
impl Api {
    #[oai(path = "/customer/:customer_id", method = "get", operation_id = "account_view")]
    async fn view(
        &self,
        caller: AccountCaller,
        #[oai(name = "customer_id")] _customer: Path<String>,
    ) -> Result<Answer<Account>, Fail> {
        let found = account::get(&caller.app.db, caller.principal.customer).await?;
        Ok(caller.account(&found.into()))
    }

    #[oai(path = "/customer/:customer_id", method = "put", operation_id = "account_update")]
    async fn update(
        &self,
        caller: AccountCaller,
        #[oai(name = "customer_id")] _customer: Path<String>,
        body: Members<AccountUpdate>,
    ) -> Result<Answer<Account>, Fail> {
        let new = account::update(&caller.app.db, caller.principal.customer, body.members).await?;
        Ok(caller.account(&new.into()))
    }

    #[oai(path = "/customer/:customer_id", method = "delete", operation_id = "account_delete")]
    async fn delete(
        &self,
        caller: AccountCaller,
        #[oai(name = "customer_id")] _customer: Path<String>,
    ) -> Result<Answer<AccountDeleted>, Fail> {
        account::delete(&caller.app.db, caller.principal.customer).await?;
        Ok(caller.account(&AccountDeleted { status: "ok".to_owned() }))
    }

    #[oai(path = "/customer/:customer_id/users", method = "get", operation_id = "account_list_users")]
    async fn list_users(
        &self,
        caller: AccountCaller,
        #[oai(name = "customer_id")] _customer: Path<String>,
    ) -> Result<Answer<Vec<AccountUser>>, Fail> {
        let account = account::get(&caller.app.db, caller.principal.customer).await?;
        let id = account.customer.public_id;
        let users: Vec<AccountUser> = account.users.into_iter().map(|user| AccountUser::of(&id, user)).collect();
        Ok(caller.account(&users))
    }

    #[oai(path = "/current_customer", method = "get", operation_id = "account_current")]
    async fn current(&self, caller: AccountCaller) -> Result<Answer<Account>, Fail> {
        let found = account::get(&caller.app.db, caller.principal.customer).await?;
        Ok(caller.account(&found.into()))
    }

    #[oai(path = "/current_user", method = "get", operation_id = "account_current_user")]
    async fn current_user(&self, caller: AccountCaller) -> Result<Answer<AccountUser>, Fail> {
        let account = account::get(&caller.app.db, caller.principal.customer).await?;
        let id = account.customer.public_id.clone();
        let user = account.user_of(caller.principal.portal_user.as_deref());
        let user = user.ok_or(Failure::Unauthorized("The user of the key has just been deleted."))?;
        Ok(caller.account(&AccountUser::of(&id, user)))
    }
}
