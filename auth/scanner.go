package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Scanner is who may report leaked credentials, by a key that it signs with.
type Scanner struct {
	ID        uuid.UUID `json:"id"`
	KID       string    `json:"kid"` // as its reports name the key
	Name      string    `json:"name"`
	PublicKey []byte    `json:"public_key"` // ECDSA P-256, PKIX in DER
	CreatedAt time.Time `json:"created_at"`
}

const addScannerSQL = `
insert into auth.scanner (id, kid, name, public_key, created_by, created_at)
values ($1, $2, $3, $4, $5, $6)
returning id, kid, name, public_key, created_at`

// AddScanner trusts a scanner: its name, the identifier of its key, and the
// key in PEM (PKIX, ECDSA P-256), as secret-scanning programmes publish it. It
// fails with Forbidden unless who may scanner.edit, Invalid with the fields
// that are wrong, and Conflict when the identifier is taken.
func (a *Auth) AddScanner(ctx context.Context, who Principal, name, kid, key string) (Scanner, error) {
	if err := a.May(ctx, who, "scanner.edit", uuid.Nil); err != nil {
		return Scanner{}, err
	}
	wrong := fieldsWrong()
	name = checkName(wrong, "name", name)
	if kid == "" || len(kid) > 200 || strings.ContainsFunc(kid, func(r rune) bool { return r <= ' ' || r > '~' }) {
		wrong.Wrong("kid", "scanner-kid", "1 to 200 visible ASCII characters")
	}
	der, err := readScannerKey(key)
	if err != nil {
		wrong.Wrong("public_key", "scanner-key", "a public key for ECDSA P-256, in PEM").Because(err)
	}
	if err := asError(wrong); err != nil {
		return Scanner{}, err
	}
	var s Scanner
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		var by *uuid.UUID
		if who.Person != uuid.Nil {
			by = &who.Person
		}
		s, err = pg.One[Scanner](ctx, tx, addScannerSQL, uuid.Must(uuid.NewV7()), kid, name, der, by, a.Now().UTC())
		if pg.IsUnique(err, "scanner_kid_key") {
			return problem.Errorf(problem.Conflict, "the identifier %s is taken", kid).Coded("scanner-kid-taken")
		} else if err != nil {
			return fmt.Errorf("add scanner: %w", err)
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "scanner.add", About: s.ID, Detail: map[string]any{"kid": kid}})
	})
	return s, err
}

func readScannerKey(text string) ([]byte, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "PUBLIC KEY" || strings.TrimSpace(string(rest)) != "" || len(text) > 4096 {
		return nil, errors.New("it is no single PUBLIC KEY in PEM")
	}
	if _, err := scannerKey(block.Bytes); err != nil {
		return nil, err
	}
	return block.Bytes, nil
}

func scannerKey(der []byte) (*ecdsa.PublicKey, error) {
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	ec, is := key.(*ecdsa.PublicKey)
	if !is || ec.Curve != elliptic.P256() {
		return nil, fmt.Errorf("%T is not ECDSA P-256", key)
	}
	return ec, nil
}

const scannersSQL = `
select id, kid, name, public_key, created_at from auth.scanner order by id`

// Scanners lists who may report leaks. It fails with Forbidden unless who may
// scanner.edit.
func (a *Auth) Scanners(ctx context.Context, who Principal) ([]Scanner, error) {
	if err := a.May(ctx, who, "scanner.edit", uuid.Nil); err != nil {
		return nil, err
	}
	list, err := pg.All[Scanner](ctx, a.DB, scannersSQL)
	if err != nil {
		return nil, fmt.Errorf("list scanners: %w", err)
	}
	return list, nil
}

const removeScannerSQL = `
delete from auth.scanner where id = $1`

// RemoveScanner trusts a scanner no longer. It fails with Forbidden unless who
// may scanner.edit, and NotFound.
func (a *Auth) RemoveScanner(ctx context.Context, who Principal, id uuid.UUID) error {
	if err := a.May(ctx, who, "scanner.edit", uuid.Nil); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, removeScannerSQL, id)
		if err != nil {
			return fmt.Errorf("remove scanner %s: %w", id, err)
		}
		if done.RowsAffected() == 0 {
			return problem.Errorf(problem.NotFound, "no scanner %s", id).Coded("scanner-unknown")
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "scanner.remove", About: id})
	})
}
