package portal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/internal/mail"
	"lgsp/internal/pg"
)

// noticeChannel carries notices from the transaction that decides, when it
// commits and not before, to whoever writes the letters.
const noticeChannel = "notice"

// Notice is what a letter needs: about an agreement, or about what a person
// proves themselves with.
type Notice struct {
	What        string    `json:"what"`
	Agreement   uuid.UUID `json:"agreement"`
	Application string    `json:"application"`
	ServiceVI   string    `json:"service_vi"`
	ServiceEN   string    `json:"service_en"`
	Reason      string    `json:"reason"`
	Factor      string    `json:"factor"` // kind of a second factor
	Passkey     string    `json:"passkey"`
	Ends        string    `json:"ends"`   // the last day of an agreement that ends
	Person      uuid.UUID `json:"person"` // who is told, or uuid.Nil:
	Agency      uuid.UUID `json:"agency"` // its stewards are
}

// maxReason keeps a notice below what a NOTIFY carries, however it is escaped;
// the desk has it whole.
const maxReason = 500 // characters

// Notify has a letter written about an agreement, once tx commits: to the
// stewards who are to decide or to the one who asked.
func (p *Portal) Notify(ctx context.Context, tx pgx.Tx, n agreement.Notice) error {
	text, err := json.Marshal(NoticeOf(n))
	if err != nil {
		return fmt.Errorf("encode notice: %w", err)
	}
	return pg.Notify(ctx, tx, noticeChannel, string(text))
}

// NoticeOf is what a letter about an agreement needs.
func NoticeOf(n agreement.Notice) Notice {
	g := n.Agreement
	out := Notice{What: n.What, Agreement: g.ID, Application: g.ApplicationName, ServiceVI: g.ServiceVI,
		ServiceEN: g.ServiceEN, Reason: n.Text, Ends: g.Ends, Person: g.RequesterID}
	if n.ToAgency {
		out.Person, out.Agency = uuid.Nil, g.AgencyID
	}
	if long := []rune(out.Reason); len(long) > maxReason {
		out.Reason = string(long[:maxReason]) + "…"
	}
	return out
}

// NotifyFactor has a letter written to a person about their second factors,
// once tx commits: who did not do it themselves learns of it.
func (p *Portal) NotifyFactor(ctx context.Context, tx pgx.Tx, n auth.FactorNotice) error {
	text, err := json.Marshal(Notice{What: n.What, Person: n.Person, Factor: n.Kind, Passkey: n.Name})
	if err != nil {
		return fmt.Errorf("encode notice: %w", err)
	}
	return pg.Notify(ctx, tx, noticeChannel, string(text))
}

const (
	listenNoticeSQL = `listen notice`
	listenLetterSQL = `listen letter`
)

// WriteLetters writes a letter for every notice, and those about accounts,
// until ctx ends. A notice that cannot be sent is logged; the desks show the
// same.
func (p *Portal) WriteLetters(ctx context.Context, pool *pgxpool.Pool) error {
	asked := make(chan struct{}, 1)
	var accounts sync.WaitGroup
	accounts.Go(func() { p.sendLetters(ctx, asked) })
	defer accounts.Wait()
	for ctx.Err() == nil {
		if err := p.listen(ctx, pool, asked); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "notices", "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
	return nil
}

func (p *Portal) listen(ctx context.Context, pool *pgxpool.Pool, asked chan<- struct{}) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("listen for notices: %w", err)
	}
	defer conn.Release()
	for _, sql := range []string{listenLetterSQL, listenNoticeSQL} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("listen for notices: %w", err)
		}
	}
	for {
		got, err := conn.Conn().WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("wait for notices: %w", err)
		}
		if got.Channel == auth.LetterChannel {
			select {
			case asked <- struct{}{}:
			default: // it looks anyway
			}
			continue
		}
		if err := p.write(ctx, got.Payload); err != nil {
			slog.ErrorContext(ctx, "letter not sent", "err", err)
		}
	}
}

func (p *Portal) write(ctx context.Context, payload string) error {
	var n Notice
	if err := json.Unmarshal([]byte(payload), &n); err != nil {
		return fmt.Errorf("read notice: %w", err)
	}
	return p.writeTo(ctx, n)
}

// readers are who a notice is for: a person, or those who decide for an agency.
func (p *Portal) readers(ctx context.Context, n Notice) ([]uuid.UUID, error) {
	if n.Person != uuid.Nil {
		return []uuid.UUID{n.Person}, nil
	}
	ids, err := p.Auth.Holders(ctx, auth.RoleSteward, n.Agency)
	if err != nil || n.Agreement == uuid.Nil {
		return ids, err
	}
	others, err := p.Agreements.Delegates(ctx, n.Agency)
	for _, id := range others {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, err
}

// writeTo writes a letter to each who a notice is for.
func (p *Portal) writeTo(ctx context.Context, n Notice) error {
	ids, err := p.readers(ctx, n)
	if err != nil {
		return err
	}
	people, err := p.Auth.Persons(ctx, ids)
	if err != nil {
		return err
	}
	var failed []error // one bad address keeps no letter from the others
	for _, person := range people {
		letter, err := p.letter(person, n)
		if err == nil {
			err = p.Mailer.Send(ctx, letter)
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

func (p *Portal) letter(to auth.Person, n Notice) (mail.Letter, error) {
	origin, service := p.Origin, n.ServiceVI
	if to.Locale == "en" {
		origin, service = p.Origin+"/en", n.ServiceEN
	}
	link := origin + "/agreements/" + n.Agreement.String()
	if n.Agreement == uuid.Nil {
		link = origin + "/account/security"
	}
	kind := n.Factor
	if kind == "" {
		kind = "all"
	}
	factor, err := p.Pages.Text(to.Locale, "notice.factor-"+kind, "passkey", n.Passkey)
	if err != nil {
		return mail.Letter{}, err
	}
	letter := mail.Letter{To: to.Email}
	for key, into := range map[string]*string{"notice.subject-" + n.What: &letter.Subject, "notice.text-" + n.What: &letter.Text} {
		text, err := p.Pages.Text(to.Locale, key, "name", to.Name, "application", n.Application, "service", service,
			"reason", n.Reason, "factor", factor, "ends", dayWritten(to.Locale, n.Ends), "link", link, "password", origin+"/account/password", "forgot", origin+"/forgot-password")
		if err != nil {
			return letter, err
		}
		*into = text
	}
	return letter, nil
}
