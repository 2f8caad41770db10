package auth

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/problem"
)

// recoveryCodes is how many a person is given at a time.
const recoveryCodes = 10

// crockford is base32 without the letters that are read for digits: i, l, o,
// and u (Douglas Crockford's alphabet).
const crockford = "0123456789abcdefghjkmnpqrstvwxyz"

// newRecoveryCode is 80 random bits as xxxx-xxxx-xxxx-xxxx.
func newRecoveryCode() string {
	var random [10]byte
	rand.Read(random[:]) // never fails (crypto/rand)
	text := base32.NewEncoding(crockford).EncodeToString(random[:])
	return text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:]
}

// readRecoveryCode is the code as it was made, however it was typed.
func readRecoveryCode(typed string) string {
	return strings.NewReplacer("-", "", " ", "", "o", "0", "i", "1", "l", "1").Replace(strings.ToLower(typed))
}

// recoveryText is what is hashed of a recovery code.
func recoveryText(person uuid.UUID, code string) []byte {
	return slices.Concat([]byte("recovery code\x00"), person[:], []byte(readRecoveryCode(code)))
}

const (
	dropCodesSQL = `
delete from auth.recovery_code where person_id = $1`

	addCodesSQL = `
insert into auth.recovery_code (person_id, hash, pepper_version, made_at) select $1, unnest($2::bytea[]), $3, $4`
)

// renewCodes makes new recovery codes in place of those there are.
func (a *Auth) renewCodes(ctx context.Context, tx pgx.Tx, person uuid.UUID) ([]string, error) {
	codes, hashes := make([]string, recoveryCodes), make([][]byte, recoveryCodes)
	for i := range codes {
		codes[i] = newRecoveryCode()
		hashes[i] = a.Peppers.Sum(recoveryText(person, codes[i]))
	}
	if _, err := tx.Exec(ctx, dropCodesSQL, person); err != nil {
		return nil, fmt.Errorf("drop recovery codes of person %s: %w", person, err)
	}
	if _, err := tx.Exec(ctx, addCodesSQL, person, hashes, a.Peppers.Current(), a.Now().UTC()); err != nil {
		return nil, fmt.Errorf("add recovery codes of person %s: %w", person, err)
	}
	return codes, nil
}

// RenewCodes gives new recovery codes, shown once; those from before are void.
// It fails with Forbidden (proof-old), and with NotFound for a person without
// a second factor.
func (a *Auth) RenewCodes(ctx context.Context, session string) ([]string, error) {
	h, err := a.freshHolder(ctx, session)
	if err != nil {
		return nil, err
	}
	if !h.Factors.Any() {
		return nil, appUnknown()
	}
	var codes []string
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		var err error
		if codes, err = a.renewCodes(ctx, tx, h.ID); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: h.who(), Verb: "recovery.renew", About: h.ID})
	})
	return codes, err
}

const takeRecoverySQL = `
delete from auth.recovery_code where person_id = $1 and hash = any($2)`

// takeRecovery takes a recovery code, once.
func (a *Auth) takeRecovery(ctx context.Context, person uuid.UUID, typed string) error {
	p, err := a.activePerson(ctx, person)
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, takeRecoverySQL, person, a.Peppers.Sums(recoveryText(person, typed)))
		if err != nil {
			return fmt.Errorf("take recovery code of person %s: %w", person, err)
		}
		if done.RowsAffected() == 0 {
			return codeWrong()
		}
		return a.tell(ctx, tx, Principal{Person: p.ID, Name: p.Name}, FactorNotice{What: "recovery-used", Person: person})
	})
	if problem.Code(err) == "code-wrong" {
		return a.countWrong(ctx, person)
	}
	return err
}
