package portal

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/portal/notice"
)

// agreementTold is what a notice needs: about an agreement, or about what a
// person proves themselves with.
type agreementTold struct {
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
	Agency      uuid.UUID `json:"agency"` // its officials are
}

// maxReason is how much of what was said a letter holds; the desk has it whole.
const maxReason = 500 // characters

// Notify has people told about an agreement, once tx commits: those who are to
// decide for its agency, or who work on the application.
func (p *Portal) Notify(ctx context.Context, tx pgx.Tx, n agreement.Notice) error {
	g := n.Agreement
	told := agreementTold{What: n.What, Agreement: g.ID, Application: g.ApplicationName, ServiceVI: g.ServiceVI,
		ServiceEN: g.ServiceEN, Reason: n.Text, Ends: g.Ends, Person: g.RequesterID}
	if n.ToAgency {
		told.Person, told.Agency = uuid.Nil, g.AgencyID
	}
	if long := []rune(told.Reason); len(long) > maxReason {
		told.Reason = string(long[:maxReason]) + "…"
	}
	e, err := told.event()
	if err != nil {
		return err
	}
	if !n.ToAgency {
		if e.People, err = p.teamReaders(ctx, tx, g.ApplicationID, g.RequesterID); err != nil {
			return err
		}
	}
	return p.Notices.Tell(ctx, tx, e)
}

// event is what is told as an event.
func (t agreementTold) event() (notice.Event, error) {
	kind, what := notice.Decision, t.What
	switch {
	case t.Agreement == uuid.Nil:
		kind = notice.Security
	case what == "ending":
		kind = notice.AgreeEnd
	case t.Agency != uuid.Nil:
		kind = notice.Request
	}
	if kind == notice.AgreeEnd && t.Agency != uuid.Nil {
		what += "-agency"
	}
	e, err := notice.New(kind, what, t)
	if t.Person != uuid.Nil {
		e.People = []uuid.UUID{t.Person}
		return e, err
	}
	e.Agency = &t.Agency
	return e, err
}

// ToldOfEnd does a job that was asked for before there were notices: to write
// that an agreement ends.
func (p *Portal) ToldOfEnd(ctx context.Context, args []byte) error {
	var t agreementTold
	if err := json.Unmarshal(args, &t); err != nil {
		return fmt.Errorf("read notice of an end: %w", err)
	}
	e, err := t.event()
	if err != nil {
		return err
	}
	e.ID = uuid.NewSHA1(t.Agreement, args)
	return p.Notices.Deliver(ctx, e)
}

// NotifyFactor has a person told of what they prove themselves with, once tx
// commits: who did not do it themselves learns of it.
func (p *Portal) NotifyFactor(ctx context.Context, tx pgx.Tx, n auth.FactorNotice) error {
	e, err := agreementTold{What: n.What, Person: n.Person, Factor: n.Kind, Passkey: n.Name}.event()
	if err != nil {
		return err
	}
	e.Mailed = n.Mailed
	return p.Notices.Tell(ctx, tx, e)
}

// agreementWords are those about an agreement, or what a person proves
// themselves with.
func (p *Portal) agreementWords(to auth.Person, what string, t agreementTold) (noticeWords, error) {
	path := "/agreements/" + t.Agreement.String()
	if t.Agreement == uuid.Nil {
		path = "/account/security"
	}
	kind := t.Factor
	if kind == "" {
		kind = "all"
	}
	factor, err := p.Pages.Text(to.Locale, "notice.factor-"+kind, "passkey", t.Passkey)
	if err != nil {
		return noticeWords{}, err
	}
	application, err := p.applicationIn(to.Locale, t.Application)
	if err != nil {
		return noticeWords{}, err
	}
	return p.said(to, path, "notice.subject-"+what, "notice.text-"+what, "application", application,
		"service", titleIn(to.Locale, t.ServiceVI, t.ServiceEN), "reason", t.Reason, "factor", factor, "ends", dayWritten(to.Locale, t.Ends),
		"password", p.at(to.Locale, "/account/password"), "forgot", p.at(to.Locale, "/forgot-password"))
}

// dayWritten is a day as a letter says it; what is none stays as it is.
func dayWritten(locale, day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.Format(dayForm[locale])
}

const listenLetterSQL = `listen letter`

// WriteLetters writes the letters that hold a one-time link, or go to an
// address that may be nobody's yet, until ctx ends: those are no notices.
func (p *Portal) WriteLetters(ctx context.Context, pool *pgxpool.Pool) error {
	asked := make(chan struct{}, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.sendLetters(ctx, asked)
	}()
	defer func() { <-done }()
	for ctx.Err() == nil {
		if err := p.listen(ctx, pool, asked); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "letters", "err", err)
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
		return fmt.Errorf("listen for letters: %w", err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, listenLetterSQL); err != nil {
		return fmt.Errorf("listen for letters: %w", err)
	}
	for {
		if _, err := conn.Conn().WaitForNotification(ctx); err != nil {
			return fmt.Errorf("wait for letters: %w", err)
		}
		select {
		case asked <- struct{}{}:
		default: // it looks anyway
		}
	}
}
