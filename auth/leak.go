package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

const (
	refreshPrefix = "lgsp_refresh_"
	maxLeaks      = 100 // in one report
)

// LeakReport is what a scanner sends: a JSON list of {token, type, url} and an
// ECDSA signature over it, in base64, by the key of that identifier.
type LeakReport struct {
	KID       string
	Signature string
	Body      []byte
}

// Leak is one secret that a scanner found, and where.
type Leak struct {
	Token string `json:"token"`
	Type  string `json:"type"`
	URL   string `json:"url"`
}

// LeakVerdict says whether what a scanner found was a secret of ours: label
// true_positive (it is revoked) or false_positive.
type LeakVerdict struct {
	TokenHash string `json:"token_hash"` // SHA-256 of the token, base64
	TokenType string `json:"token_type"` // as it was sent
	Label     string `json:"label"`
}

// ReportLeaks revokes what a trusted scanner found by the regular expressions
// of docs/security.md: an API key; a client
// secret with every token and grant of its application; a personal token; a
// refresh token with its grant; a registration token; a registration access
// token with all that its application proves itself by, since whoever had it
// may have put something of their own there. A honey key is none of these: it
// lies where it was found for a purpose, and its people are told. The owner gets a letter, the ledger an entry.
// It answers for each in the order sent. It fails with Unauthorized when the
// scanner is unknown (scanner-unknown) or the signature does not hold
// (scanner-signature), Invalid (leaks-form) for a body that is no such list, and
// TooLarge (leaks-many) over 100.
func (a *Auth) ReportLeaks(ctx context.Context, report LeakReport) ([]LeakVerdict, error) {
	scanner, err := a.scannerOf(ctx, report)
	if err != nil {
		return nil, err
	}
	var leaks []Leak
	if err := json.Unmarshal(report.Body, &leaks); err != nil {
		return nil, problem.Errorf(problem.Invalid, "the body is a JSON list of {token, type, url}").Coded("leaks-form").Because(err)
	}
	if len(leaks) > maxLeaks {
		return nil, problem.Errorf(problem.TooLarge, "at most %d tokens in one report", maxLeaks).Coded("leaks-many", "max", fmt.Sprint(maxLeaks))
	}
	verdicts := make([]LeakVerdict, len(leaks))
	for i, l := range leaks {
		l.URL = tidyURL(l.URL)
		a.NoteShown(ctx, ReadKeys([]string{l.Token}), AtLeaks, netip.Addr{})
		ours, err := a.leaked(ctx, scanner, l)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256([]byte(l.Token))
		verdicts[i] = LeakVerdict{TokenHash: base64.StdEncoding.EncodeToString(sum[:]), TokenType: l.Type, Label: "false_positive"}
		if ours {
			verdicts[i].Label = "true_positive"
		}
	}
	return verdicts, nil
}

const scannerSQL = `
select id, kid, name, public_key, created_at from auth.scanner where kid = $1`

// scannerOf is the scanner that signed a report.
func (a *Auth) scannerOf(ctx context.Context, report LeakReport) (Scanner, error) {
	scanner, err := pg.One[Scanner](ctx, a.DB, scannerSQL, report.KID)
	if errors.Is(err, pgx.ErrNoRows) {
		return Scanner{}, problem.Errorf(problem.Unauthorized, "no scanner has the key that the report names").Coded("scanner-unknown")
	} else if err != nil {
		return Scanner{}, fmt.Errorf("find scanner: %w", err)
	}
	key, err := scannerKey(scanner.PublicKey)
	if err != nil {
		return Scanner{}, fmt.Errorf("scanner %s: %w", scanner.ID, err)
	}
	signature, err := base64.StdEncoding.DecodeString(report.Signature)
	sum := sha256.Sum256(report.Body)
	if err != nil || !ecdsa.VerifyASN1(key, sum[:], signature) {
		return Scanner{}, problem.Errorf(problem.Unauthorized, "the signature of the report does not hold").Coded("scanner-signature")
	}
	return scanner, nil
}

// tidyURL is the address where a secret was found, as a letter and the ledger
// may hold it: of readable characters, at most 500, without a query.
func tidyURL(text string) string {
	text, _, _ = strings.Cut(text, "?")
	text = strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || r == 0xfffd {
			return -1
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > 500 {
		text = string(runes[:500])
	}
	return text
}

// leaked revokes one secret, and reports whether it was one of ours, whatever
// its state. What is malformed is known without a look at the database.
func (a *Auth) leaked(ctx context.Context, scanner Scanner, l Leak) (bool, error) {
	if strings.HasPrefix(l.Token, refreshPrefix) {
		return a.refreshLeaked(ctx, scanner, l)
	}
	key, err := ParseKey(l.Token)
	if err != nil {
		return false, nil
	}
	switch key.Kind {
	case KindToken:
		return a.tokenLeaked(ctx, scanner, l, key)
	case KindRegistration:
		return a.registrationTokenLeaked(ctx, scanner, l, key)
	case KindClient:
		return a.registrationLeaked(ctx, scanner, l, key)
	}
	return a.credentialLeaked(ctx, scanner, l, key)
}

const leakedCredentialSQL = `
select c.id, c.application_id as application, c.kind, c.hash, c.pepper_version, c.name, c.revoked_at is null and c.expires_at > $3 as live
  from auth.credential c
 where c.lookup = $1 and c.kind = $2`

func (a *Auth) credentialLeaked(ctx context.Context, scanner Scanner, l Leak, key Key) (ours bool, err error) {
	type row struct {
		ID, Application uuid.UUID
		Kind            string
		Hash            []byte
		PepperVersion   int
		Name            string
		Live            bool
	}
	kind := map[string]string{KindKey: APIKey, KindSecret: ClientSecret}[key.Kind]
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		now := a.Now().UTC()
		c, err := pg.One[row](ctx, tx, leakedCredentialSQL, key.Lookup, kind, now)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		} else if err != nil {
			return fmt.Errorf("find leaked credential: %w", err)
		}
		if ours = key.Matches(a.Peppers, c.PepperVersion, c.Hash); !ours || !c.Live {
			return nil
		}
		app, err := readApplication(ctx, tx, applicationSQL, c.Application)
		if err != nil {
			return err
		}
		if kind == ClientSecret { // whoever has it may have tokens already
			if _, err := a.revokeEverything(ctx, tx, c.Application, c.ID); err != nil {
				return err
			}
		} else if _, err := tx.Exec(ctx, revokeCredentialSQL, c.ID, now); err != nil {
			return fmt.Errorf("revoke leaked credential %s: %w", c.ID, err)
		}
		if err := pg.Notify(ctx, tx, "gateway", "credential"); err != nil {
			return err
		}
		to, err := owners(ctx, tx, c.Application)
		if err != nil {
			return err
		}
		return a.tellLeak(ctx, tx, scanner, leakOf{agency: agencyOf(app), to: to, letter: KeyLetter{About: c.ID, Detail: KeyLetterDetail{
			What: kind, Name: c.Name, Shown: shown(key), Application: app.Name, ID: &app.ID, Found: l.URL}}})
	})
	return ours, err
}

// shown is a key as its owner knows it, without its secret.
func shown(key Key) string { return key.String() + key.Last4 }

const leakedTokenSQL = `
select id, person_id, hash, pepper_version, name, expires_at > $2 as live from auth.personal_token where lookup = $1`

func (a *Auth) tokenLeaked(ctx context.Context, scanner Scanner, l Leak, key Key) (ours bool, err error) {
	type row struct {
		ID, PersonID  uuid.UUID
		Hash          []byte
		PepperVersion int
		Name          string
		Live          bool
	}
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		t, err := pg.One[row](ctx, tx, leakedTokenSQL, key.Lookup, a.Now().UTC())
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		} else if err != nil {
			return fmt.Errorf("find leaked token: %w", err)
		}
		if ours = key.Matches(a.Peppers, t.PepperVersion, t.Hash); !ours || !t.Live {
			return nil
		}
		if _, err := tx.Exec(ctx, revokeTokenSQL, t.ID, t.PersonID); err != nil {
			return fmt.Errorf("revoke leaked token %s: %w", t.ID, err)
		}
		return a.tellLeak(ctx, tx, scanner, leakOf{to: []uuid.UUID{t.PersonID}, letter: KeyLetter{About: t.ID, Detail: KeyLetterDetail{
			What: TokenLeak, Name: t.Name, Shown: shown(key), Found: l.URL}}})
	})
	return ours, err
}

const leakedGrantSQL = `
select g.id, g.person_id, g.client_id, a.name, g.revoked_at is null and g.expires_at > $2 as live
  from auth.oauth_grant g join auth.application a on a.id = g.client_id
 where g.id = $1`

func (a *Auth) refreshLeaked(ctx context.Context, scanner Scanner, l Leak) (ours bool, err error) {
	type row struct {
		ID, PersonID, ClientID uuid.UUID
		Name                   string
		Live                   bool
	}
	id, err := a.GrantOfRefresh(ctx, l.Token)
	if err != nil || id == uuid.Nil {
		return false, err
	}
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		now := a.Now().UTC()
		g, err := pg.One[row](ctx, tx, leakedGrantSQL, id, now)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		} else if err != nil {
			return fmt.Errorf("find leaked grant: %w", err)
		}
		if ours = true; !g.Live {
			return nil
		}
		if err := EndGrants(ctx, tx, now, []uuid.UUID{g.ID}); err != nil {
			return err
		}
		to, err := owners(ctx, tx, g.ClientID)
		if err != nil {
			return err
		}
		return a.tellLeak(ctx, tx, scanner, leakOf{to: append(to, g.PersonID), letter: KeyLetter{About: g.ID, Detail: KeyLetterDetail{
			What: RefreshLeak, Application: g.Name, ID: &g.ClientID, Found: l.URL}}})
	})
	return ours, err
}

// leakOf is a leak that is to be told.
type leakOf struct {
	agency uuid.UUID
	to     []uuid.UUID
	letter KeyLetter
}

// tellLeak writes the letters and the ledger's entry.
func (a *Auth) tellLeak(ctx context.Context, tx pgx.Tx, scanner Scanner, l leakOf) error {
	l.letter.Kind, l.letter.Detail.Scanner = KeyLeaked, scanner.Name
	if err := a.write(ctx, tx, l.to, l.letter); err != nil {
		return err
	}
	where := sha256.Sum256([]byte(l.letter.Detail.Found)) // an address may name a person
	return a.Record(ctx, tx, Act{Who: Principal{Name: scanner.Name}, Verb: "credential.leaked", Agency: l.agency, About: l.letter.About,
		Detail: map[string]any{"what": l.letter.Detail.What, "shown": l.letter.Detail.Shown, "scanner": scanner.ID, "found_sha256": hex.EncodeToString(where[:])}})
}
