package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/ory/fosite"
)

// pushedPrefix begins the request_uri of a pushed request (RFC 9126 §2.2).
const pushedPrefix = "urn:ietf:params:oauth:request_uri:"

// How long a pushed request waits: for a browser to bring it, and from then on
// for its person to sign in and to consent.
const (
	pushedLife = time.Minute
	openedLife = 10*time.Minute + consentLife
)

// par answers POST /oauth2/par (RFC 9126 §2): the client proves itself and
// leaves its authorization request here, which is checked at once; the browser
// then carries a request_uri. No parameter may stand in the address, where
// stock fosite takes even a secret from (F12); see readForm.
func (s *Server) par(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if err := readForm(w, r); err != nil {
		s.refuse(w, r, err)
		return
	}
	shown, err := s.shownProof(w, r)
	var uri string
	if err == nil {
		uri, err = s.pushNew(ctx, r, shown)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{ // the caller may have gone
		"request_uri": uri, "expires_in": int(pushedLife / time.Second),
	})
}

// pushNew checks and keeps a request. A DPoP proof binds its code to the key,
// as dpop_jkt would (RFC 9449 §10.1).
func (s *Server) pushNew(ctx context.Context, r *http.Request, shown proof) (string, error) {
	caller, err := s.authenticate(ctx, r, r.PostForm)
	if err != nil {
		return "", err
	}
	form := url.Values{}
	for name, values := range r.PostForm {
		if name != "client_secret" && name != "client_assertion" && name != "client_assertion_type" {
			form[name] = values
		}
	}
	if form.Has("request_uri") {
		return "", fosite.ErrInvalidRequest.WithHint("A pushed request names no request_uri (RFC 9126 §2.1).")
	}
	form.Set("client_id", caller.GetID()) // which Basic and an assertion may leave out
	if asked := form.Get("dpop_jkt"); shown.jkt != "" {
		if asked != "" && asked != shown.jkt {
			return "", errInvalidProof.WithHint("dpop_jkt names another key than the DPoP proof is made with.")
		}
		form.Set("dpop_jkt", shown.jkt)
	}
	if _, err := s.readAuthorize(ctx, form); err != nil {
		return "", err
	}
	if err := s.takeProof(ctx, shown); err != nil {
		return "", err
	}
	return s.push(ctx, form, pushedLife)
}

const pushSQL = `
insert into auth.oauth_pushed (handle, client_id, request, expires_at)
values ($1, $2, $3, $4)`

// push keeps a checked request and gives its request_uri.
func (s *Server) push(ctx context.Context, form url.Values, life time.Duration) (string, error) {
	handle := newHandle()
	if _, err := s.DB.Exec(ctx, pushSQL, hashHandle(handle), form.Get("client_id"), form.Encode(), s.Now().UTC().Add(life)); err != nil {
		return "", fmt.Errorf("keep pushed request: %w", err)
	}
	return pushedPrefix + handle, nil
}

const takePushedSQL = `
delete from auth.oauth_pushed
 where handle = $1 and client_id = $2 and expires_at > $3
returning request`

var errPushedGone = fosite.ErrInvalidRequestURI.WithHint("The request_uri is unknown, another client's, used or expired; start again from the application.")

// takePushed gives the parameters behind a request_uri, once: of any number of
// browsers one gets them. It fails with invalid_request_uri when the
// request_uri is unknown, another client's, used or expired.
func (s *Server) takePushed(ctx context.Context, uri, client string) (url.Values, error) {
	return s.pushedForm(ctx, takePushedSQL, nil, hashHandle(strings.TrimPrefix(uri, pushedPrefix)), client, s.Now().UTC())
}

// pushedForm runs a statement on the pushed request of a handle and a client,
// and reads the parameters that it returns, and more.
func (s *Server) pushedForm(ctx context.Context, sql string, more []any, args ...any) (url.Values, error) {
	client := fmt.Sprint(args[1])
	if id, err := uuid.Parse(client); err != nil || id.String() != client { // PostgreSQL reads fewer spellings
		return nil, errPushedGone
	}
	var text string
	err := s.DB.QueryRow(ctx, sql, args...).Scan(append([]any{&text}, more...)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errPushedGone
	} else if err != nil {
		return nil, fmt.Errorf("read pushed request: %w", err)
	}
	form, err := url.ParseQuery(text)
	if err != nil {
		return nil, fmt.Errorf("read pushed request: %w", err)
	}
	return form, nil
}

const openPushedSQL = `
update auth.oauth_pushed
   set opened_at = coalesce(opened_at, $3),
       expires_at = case when opened_at is null then $4 else expires_at end
 where handle = $1 and client_id = $2 and expires_at > $3
returning request, opened_at`

// openPushed gives the parameters behind a request_uri to a browser that
// brings it, as often as it is loaded until it is answered (spendPushed), and
// when that first was. It fails as takePushed does.
func (s *Server) openPushed(ctx context.Context, handle []byte, client string) (url.Values, time.Time, error) {
	now, since := s.Now().UTC(), time.Time{}
	form, err := s.pushedForm(ctx, openPushedSQL, []any{&since}, handle, client, now, now.Add(openedLife))
	return form, since, err
}

const spendPushedSQL = `
delete from auth.oauth_pushed where handle = $1`

// spendPushed uses up the pushed request that is being answered, inside the
// transaction that answers it: of any number of answers one is given. A nil
// handle, of a request that was not pushed, is always free.
func spendPushed(ctx context.Context, tx pgx.Tx, handle []byte) error {
	if handle == nil {
		return nil
	}
	spent, err := tx.Exec(ctx, spendPushedSQL, handle)
	if err != nil {
		return fmt.Errorf("spend pushed request: %w", err)
	}
	if spent.RowsAffected() == 0 {
		return errPushedGone
	}
	return nil
}

// asking is a browser with an authorization request, in its address or pushed.
type asking struct {
	browser *http.Request
	form    url.Values
	pushed  []byte    // its handle; nil when it was not pushed
	since   time.Time // when the request first came
}

// sinceName is the parameter that tells, beside a request that was not pushed
// and wants a fresh sign-in, when it first came (Unix microseconds). Nobody
// gains by inventing it: who can write it can leave out what asks for the sign-in.
const sinceName = "lgsp_since"

// readAsking takes the parameters of a request that was pushed in the place of
// those that stand beside its request_uri (RFC 9126 §4).
func (s *Server) readAsking(r *http.Request) (asking, error) {
	asked := asking{browser: r, form: r.Form, since: s.Now()}
	uri := r.Form.Get("request_uri")
	if !strings.HasPrefix(uri, pushedPrefix) {
		micro, err := strconv.ParseInt(r.Form.Get(sinceName), 10, 64)
		if at := time.UnixMicro(micro); err == nil && !at.After(asked.since) && asked.since.Sub(at) < openedLife {
			asked.since = at
		}
		return asked, nil
	}
	var err error
	asked.pushed = hashHandle(strings.TrimPrefix(uri, pushedPrefix))
	asked.form, asked.since, err = s.openPushed(r.Context(), asked.pushed, r.Form.Get("client_id"))
	return asked, err
}

// promptsLogin reports whether prompt=login was asked for, and wantsFresh
// whether that or max_age was.
func (a asking) promptsLogin() bool {
	return slices.Contains(strings.Fields(a.form.Get("prompt")), "login")
}

func (a asking) wantsFresh() bool { return a.promptsLogin() || a.form.Get("max_age") != "" }

// address is where the browser comes back to after the sign-in.
func (a asking) address() string {
	query := url.Values{}
	if a.pushed != nil {
		query = url.Values{"client_id": {a.form.Get("client_id")}, "request_uri": {a.browser.Form.Get("request_uri")}}
	} else {
		maps.Copy(query, a.form)
		if a.wantsFresh() {
			query.Set(sinceName, strconv.FormatInt(a.since.UnixMicro(), 10))
		}
	}
	return "/oauth2/authorize?" + query.Encode()
}
