package auth

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Agency is a state body of the province. Identifiers are dated: what it was
// called before is in Aliases.
type Agency struct {
	ID         uuid.UUID  `json:"id"`
	Slug       string     `json:"slug"`      // lower case, in URLs
	Code       string     `json:"code"`      // H48.11
	Synthetic  bool       `json:"synthetic"` // the code is made up for the demo
	NameVI     string     `json:"name_vi"`
	NameEN     string     `json:"name_en"`
	Parent     *uuid.UUID `json:"parent"`
	ValidFrom  time.Time  `json:"valid_from"` // a day
	ValidTo    *time.Time `json:"valid_to"`   // the last day; nil: still there
	NoteVI     string     `json:"note_vi"`
	NoteEN     string     `json:"note_en"`
	FocalName  string     `json:"focal_name"` // the focal-point officer, as published; may be ""
	FocalEmail string     `json:"focal_email"`
	FocalPhone string     `json:"focal_phone"`
}

// Alias is a slug or code that an agency once had.
type Alias struct {
	Kind      string     `json:"kind"` // slug, code
	Value     string     `json:"value"`
	ValidFrom time.Time  `json:"valid_from"`
	ValidTo   *time.Time `json:"valid_to"`
}

// CreateAgency adds an agency with what it was once called; ID may be Nil.
func (a *Auth) CreateAgency(ctx context.Context, who Principal, agency Agency, aliases ...Alias) (Agency, error) {
	return Agency{}, errUnwritten
}

// AgencyBySlug finds an agency by its slug or by one it once had; the caller redirects when Slug differs.
func (a *Auth) AgencyBySlug(ctx context.Context, slug string) (Agency, error) {
	return Agency{}, errUnwritten
}

// Aliases lists what an agency was once called.
func (a *Auth) Aliases(ctx context.Context, agency uuid.UUID) ([]Alias, error) {
	return nil, errUnwritten
}

// ListAgencies lists agencies by slug; next is "" at the end.
func (a *Auth) ListAgencies(ctx context.Context, page Page) ([]Agency, string, error) {
	return nil, "", errUnwritten
}

// Agencies gives the agencies of these ids, by id; unknown ids are left out.
func (a *Auth) Agencies(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Agency, error) {
	return nil, errUnwritten
}

// Person is someone who signs in.
type Person struct {
	ID         uuid.UUID  `json:"id"`
	Email      string     `json:"email"`
	Name       string     `json:"name"`
	Locale     string     `json:"locale"` // vi, en
	Demo       bool       `json:"demo"`
	CreatedAt  time.Time  `json:"created_at"`
	DisabledAt *time.Time `json:"disabled_at"`
}

// NewPerson is what a person is made of.
type NewPerson struct {
	Email    string
	Name     string
	Password string // "" only in CreatePerson: set later through a link
	Locale   string // vi, en; "" is vi
	Demo     bool   // only in CreatePerson
}

// SignUp makes an account for whoever asks.
func (a *Auth) SignUp(ctx context.Context, p NewPerson) (Person, error) {
	return Person{}, errUnwritten
}

// CreatePerson makes an account for somebody else (person.edit).
func (a *Auth) CreatePerson(ctx context.Context, who Principal, p NewPerson) (Person, error) {
	return Person{}, errUnwritten
}

// Persons gives the persons of these ids, by id.
func (a *Auth) Persons(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Person, error) {
	return nil, errUnwritten
}

// HasDemo reports whether the database holds demo accounts.
func (a *Auth) HasDemo(ctx context.Context) (bool, error) { return false, errUnwritten }

// Session is a signed-in browser. Secret is for its cookie, shown once.
type Session struct {
	Secret  string
	Person  uuid.UUID
	Expires time.Time // at the latest; sooner when idle for 12 h
}

// SignIn checks e-mail and password and starts a session.
func (a *Auth) SignIn(ctx context.Context, email, password string) (Session, error) {
	return Session{}, errUnwritten
}

// StartSession starts a session after SignUp or SetPassword.
func (a *Auth) StartSession(ctx context.Context, person uuid.UUID) (Session, error) {
	return Session{}, errUnwritten
}

// SignOut ends a session; an unknown one is no error.
func (a *Auth) SignOut(ctx context.Context, secret string) error { return errUnwritten }

// CreateLink makes a one-time link for a person to set a password with; the token goes into the URL.
func (a *Auth) CreateLink(ctx context.Context, who Principal, person uuid.UUID, lasts time.Duration) (string, error) {
	return "", errUnwritten
}

// LinkPerson says whom a link is for, without using it up.
func (a *Auth) LinkPerson(ctx context.Context, token string) (Person, error) {
	return Person{}, errUnwritten
}

// SetPassword uses up a link and sets the password of its person; other sessions of the person end.
func (a *Auth) SetPassword(ctx context.Context, token, password string) (Person, error) {
	return Person{}, errUnwritten
}

// PersonalToken is a personal access token (lgsp_pat_…).
type PersonalToken struct {
	ID         uuid.UUID  `json:"id"`
	Name       string     `json:"name"`
	Lookup     string     `json:"lookup"`
	Last4      string     `json:"last4"`
	CreatedAt  time.Time  `json:"created_at"`
	LastUsedAt *time.Time `json:"last_used_at"`
	ExpiresAt  time.Time  `json:"expires_at"`
}

// CreateToken makes a personal access token for who; the string is shown once.
func (a *Auth) CreateToken(ctx context.Context, who Principal, name string, lasts time.Duration) (PersonalToken, string, error) {
	return PersonalToken{}, "", errUnwritten
}

// Tokens lists the personal access tokens of who.
func (a *Auth) Tokens(ctx context.Context, who Principal) ([]PersonalToken, error) {
	return nil, errUnwritten
}

// RevokeToken deletes a personal access token of who.
func (a *Auth) RevokeToken(ctx context.Context, who Principal, id uuid.UUID) error {
	return errUnwritten
}

// Member is a person in an agency.
type Member struct {
	Person uuid.UUID `json:"person"`
	Name   string    `json:"name"`
	Email  string    `json:"email"`
	Role   string    `json:"role"`
}

// AddMembership gives a person a role (member.edit of the agency; person.edit for the whole platform).
func (a *Auth) AddMembership(ctx context.Context, who Principal, person uuid.UUID, m Membership) error {
	return errUnwritten
}

// RemoveMembership takes the role back.
func (a *Auth) RemoveMembership(ctx context.Context, who Principal, person uuid.UUID, m Membership) error {
	return errUnwritten
}

// Memberships lists the roles of a person.
func (a *Auth) Memberships(ctx context.Context, person uuid.UUID) ([]Membership, error) {
	return nil, errUnwritten
}

// Members lists the persons of an agency (uuid.Nil: of the whole platform).
func (a *Auth) Members(ctx context.Context, who Principal, agency uuid.UUID) ([]Member, error) {
	return nil, errUnwritten
}

// WhoBySession is the principal of a session cookie; Unauthorized when it is unknown, idle or over.
func (a *Auth) WhoBySession(ctx context.Context, secret string) (Principal, error) {
	return Principal{}, errUnwritten
}

// WhoByToken is the principal of a personal access token.
func (a *Auth) WhoByToken(ctx context.Context, token string) (Principal, error) {
	return Principal{}, errUnwritten
}

// WhoByApplication is the principal of an application that acts by itself.
func (a *Auth) WhoByApplication(ctx context.Context, application uuid.UUID) (Principal, error) {
	return Principal{}, errUnwritten
}

// WhoByPerson is the principal of a person whom a token of ours names.
func (a *Auth) WhoByPerson(ctx context.Context, person uuid.UUID) (Principal, error) {
	return Principal{}, errUnwritten
}

// Application is a program that calls: an OAuth2 client, whose client_id is ID.
type Application struct {
	ID           uuid.UUID  `json:"id"`
	OwnerPerson  *uuid.UUID `json:"owner_person"`
	OwnerAgency  *uuid.UUID `json:"owner_agency"`
	Name         string     `json:"name"`
	Description  string     `json:"description"`
	Kind         string     `json:"kind"` // confidential, public
	RedirectURIs []string   `json:"redirect_uris" db:"redirect_uris"`
	CreatedAt    time.Time  `json:"created_at"`
	DisabledAt   *time.Time `json:"disabled_at"`
}

// NewApplication is what an application is made of.
type NewApplication struct {
	Agency       uuid.UUID // the owner; uuid.Nil: who asks
	Name         string
	Description  string
	Kind         string // confidential, public; "" is confidential
	RedirectURIs []string
}

// Credential is what an application proves itself with, without its secret.
type Credential struct {
	ID          uuid.UUID  `json:"id"`
	Application uuid.UUID  `json:"application" db:"application_id"`
	Kind        string     `json:"kind"`   // api_key, client_secret
	Lookup      string     `json:"lookup"` // the 12 characters after the prefix
	Last4       string     `json:"last4"`
	CreatedBy   *uuid.UUID `json:"created_by"`
	CreatedAt   time.Time  `json:"created_at"`
	LastUsedAt  *time.Time `json:"last_used_at"`
	Calls       int64      `json:"calls"`
	ExpiresAt   time.Time  `json:"expires_at"`
	RevokedAt   *time.Time `json:"revoked_at"`
}

// Issued is a new credential with its secret, which is shown once and never stored.
type Issued struct {
	Credential
	Secret string `json:"secret"`
}

// CreateApplication makes an application with an API key and a client secret (a public one gets neither).
func (a *Auth) CreateApplication(ctx context.Context, who Principal, n NewApplication) (Application, []Issued, error) {
	return Application{}, nil, errUnwritten
}

// Application is one application by id, whoever owns it.
func (a *Auth) Application(ctx context.Context, id uuid.UUID) (Application, error) {
	return Application{}, errUnwritten
}

// Applications lists what who owns, oneself or through an agency, newest first.
func (a *Auth) Applications(ctx context.Context, who Principal, page Page) ([]Application, string, error) {
	return nil, "", errUnwritten
}

// ApplicationsByID gives the applications of these ids, by id.
func (a *Auth) ApplicationsByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Application, error) {
	return nil, errUnwritten
}

// EditApplication changes name, description and redirect URIs.
func (a *Auth) EditApplication(ctx context.Context, who Principal, id uuid.UUID, n NewApplication) (Application, error) {
	return Application{}, errUnwritten
}

// DisableApplication ends every credential of an application at once.
func (a *Auth) DisableApplication(ctx context.Context, who Principal, id uuid.UUID) error {
	return errUnwritten
}

// OwnsApplication is nil when who owns the application, else NotFound.
func (a *Auth) OwnsApplication(ctx context.Context, who Principal, id uuid.UUID) error {
	return errUnwritten
}

// Credentials lists the credentials of an application, newest first.
func (a *Auth) Credentials(ctx context.Context, who Principal, application uuid.UUID) ([]Credential, error) {
	return nil, errUnwritten
}

// AddCredential adds a credential of a kind; at most two of a kind are live.
func (a *Auth) AddCredential(ctx context.Context, who Principal, application uuid.UUID, kind string) (Issued, error) {
	return Issued{}, errUnwritten
}

// RotateCredential replaces a credential; the old one works on for overlap (0: 24 h, at most 90 days).
func (a *Auth) RotateCredential(ctx context.Context, who Principal, credential uuid.UUID, overlap time.Duration) (Issued, error) {
	return Issued{}, errUnwritten
}

// RevokeCredential ends a credential now.
func (a *Auth) RevokeCredential(ctx context.Context, who Principal, credential uuid.UUID) error {
	return errUnwritten
}

// VerifySecret gives the application that a client secret proves; Unauthorized otherwise.
func (a *Auth) VerifySecret(ctx context.Context, clientID, secret string) (Application, error) {
	return Application{}, errUnwritten
}

// CredentialUse is how a credential was used since it was last told.
type CredentialUse struct {
	Lookup string
	At     time.Time
	Calls  int64
}

// TouchCredentials keeps when and how often credentials were used, in one statement.
func (a *Auth) TouchCredentials(ctx context.Context, uses []CredentialUse) error { return errUnwritten }

// GatewayCredential is what a gateway node knows of an API key.
type GatewayCredential struct {
	Lookup        string
	Hash          []byte // HMAC-SHA-256; see Key.Matches
	PepperVersion int
	Application   uuid.UUID
	Name          string // of the application
	Expires       time.Time
	Disabled      bool // the application, or the person who owns it
}

// GatewayCredentials lists every API key that is not revoked nor expired.
func (a *Auth) GatewayCredentials(ctx context.Context) ([]GatewayCredential, error) {
	return nil, errUnwritten
}

// DisabledApplications lists the applications that are disabled or whose
// owner is: their tokens are refused, though signed and not expired.
func (a *Auth) DisabledApplications(ctx context.Context) ([]uuid.UUID, error) {
	return nil, errUnwritten
}

// Passwords hashes and compares passwords, a few at a time.
type Passwords struct{}

// NewPasswords lets workers passwords be hashed at once and queue more wait.
func NewPasswords(workers, queue int) *Passwords { return &Passwords{} }
