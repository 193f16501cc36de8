//! A key that never leaves its token: an HSM or a smartcard behind PKCS#11, which makes Ed25519 signatures by itself.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use evidence::PublicKey;

use super::Password;
use crate::Fault;

/// Where a key in a token is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenPlace {
    /// The PKCS#11 library of the token's maker, e.g. `/usr/lib/softhsm/libsofthsm2.so`.
    pub module: PathBuf,
    /// The token's label.
    pub token: String,
    /// The key's label in the token.
    pub label: String,
}

/// `edwards25519` as a PrintableString: the curve's name in PKCS#11 3.0.
const CURVE: [u8; 14] = *b"\x13\x0cedwards25519";

/// A session with a token that holds an Ed25519 key pair.
pub struct TokenKey {
    session: Mutex<Session>,
    private: ObjectHandle,
    public: PublicKey,
    place: TokenPlace,
}

impl TokenKey {
    /// Opens the token and finds the one key pair of the label.
    ///
    /// # Errors
    /// If the module, the token or the key is not there, the PIN is wrong, or there are several keys of that label.
    pub fn open(place: &TokenPlace, pin: &Password) -> Result<Self, Fault> {
        let session = log_in(place, pin)?;
        let private = only(place, &session, ObjectClass::PRIVATE_KEY)?;
        let public = only(place, &session, ObjectClass::PUBLIC_KEY)?;
        let public = public_key(place, &session, public)?;
        Ok(Self { session: Mutex::new(session), private, public, place: place.clone() })
    }

    /// Makes a key pair in the token that can never be read out of it.
    ///
    /// # Errors
    /// As [`TokenKey::open`], or if the token holds a key of that label already.
    pub fn generate(place: &TokenPlace, pin: &Password) -> Result<Self, Fault> {
        let session = log_in(place, pin)?;
        let taken = session.find_objects(&[Attribute::Label(place.label.as_bytes().to_vec())]).map_err(said(place, "search"))?;
        if !taken.is_empty() {
            return Err(refused(place, "holds something of that label already: choose another"));
        }
        let label = Attribute::Label(place.label.as_bytes().to_vec());
        let public = [Attribute::Token(true), Attribute::Verify(true), Attribute::EcParams(CURVE.to_vec()), label.clone()];
        let private = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
            label,
        ];
        session.generate_key_pair(&Mechanism::EccEdwardsKeyPairGen, &public, &private).map_err(said(place, "make a key"))?;
        drop(session);
        Self::open(place, pin)
    }

    pub(super) fn public(&self) -> PublicKey {
        self.public
    }

    /// Has the token sign, and believes the signature only once it verifies.
    pub(super) fn sign(&self, message: &[u8]) -> Result<[u8; 64], Fault> {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let mechanism = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519));
        let signature = session.sign(&mechanism, self.private, message).map_err(said(&self.place, "sign"))?;
        let signature: Option<[u8; 64]> = signature.try_into().ok();
        signature
            .filter(|signature| tlog::ed25519::verify_strict(self.public.as_bytes(), message, signature).is_ok())
            .ok_or_else(|| refused(&self.place, "made a signature that does not verify"))
    }
}

/// Which key it is; of the session nothing.
impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKey").field("place", &self.place).finish_non_exhaustive()
    }
}

fn log_in(place: &TokenPlace, pin: &Password) -> Result<Session, Fault> {
    let module = Pkcs11::new(&place.module).map_err(said(place, "load the module"))?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        // Another key of this process may have been first.
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(fault) => return Err(said(place, "start the module")(fault)),
    }
    let mut slots = Vec::new();
    for slot in module.get_slots_with_token().map_err(said(place, "list the tokens"))? {
        let token = module.get_token_info(slot).map_err(said(place, "look at a token"))?;
        if token.label().trim_end() == place.token {
            slots.push(slot);
        }
    }
    let [slot] = slots[..] else {
        let found = slots.len();
        return Err(refused(place, format!("is not the label of exactly one token here, but of {found}")));
    };
    let session = module.open_rw_session(slot).map_err(said(place, "open a session"))?;
    match session.login(UserType::User, Some(&AuthPin::new(pin.text().into()))) {
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
        Err(Error::Pkcs11(RvError::PinIncorrect, _)) => Err(refused(place, "refused the PIN: each wrong one counts")),
        Err(fault) => Err(said(place, "log in")(fault)),
    }
}

fn only(place: &TokenPlace, session: &Session, class: ObjectClass) -> Result<ObjectHandle, Fault> {
    let template =
        [Attribute::Class(class), Attribute::KeyType(KeyType::EC_EDWARDS), Attribute::Label(place.label.as_bytes().to_vec())];
    match session.find_objects(&template).map_err(said(place, "search"))?[..] {
        [key] => Ok(key),
        [] => Err(refused(place, format!("holds no Ed25519 {class} of that label"))),
        _ => Err(refused(place, format!("holds several Ed25519 keys ({class}) of that label"))),
    }
}

/// The point, as an OCTET STRING round the 32 bytes (PKCS#11 3.0) or bare, as some tokens give it.
fn public_key(place: &TokenPlace, session: &Session, key: ObjectHandle) -> Result<PublicKey, Fault> {
    let found = session.get_attributes(key, &[AttributeType::EcPoint]).map_err(said(place, "read the public key"))?;
    let [Attribute::EcPoint(point)] = &found[..] else {
        return Err(refused(place, "gave no public key"));
    };
    let bare: Option<[u8; 32]> = point.strip_prefix(&[0x04, 32]).unwrap_or(point).try_into().ok();
    bare.map(PublicKey::from).ok_or_else(|| refused(place, "gave a public key that is not one of Ed25519"))
}

fn said(place: &TokenPlace, action: &'static str) -> impl FnOnce(Error) -> Fault {
    let place = place.clone();
    move |fault| refused(&place, format!("could not {action}: {fault}"))
}

fn refused(place: &TokenPlace, why: impl fmt::Display) -> Fault {
    Fault::Token { module: place.module.clone(), token: place.token.clone(), label: place.label.clone(), why: why.to_string() }
}

#[cfg(test)]
mod tests;
