package auth

import (
	"testing"

	"github.com/google/uuid"
)

// Who has read a letter has proved the address; whom an operator added has not.
func TestEmailProved(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	is := func(what string, person uuid.UUID, want bool) {
		t.Helper()
		got, err := d.EmailProved(ctx, person)
		ok(t, what, err)
		if got != want {
			t.Errorf("%s: got %t", what, got)
		}
	}
	added := d.person(t, "minh@x.vn")
	is("added by an operator", added.Person, false)
	ok(t, "ask", d.AskSignUp(ctx, NewPerson{Email: "lan@x.vn", Name: "Lan"}))
	p, err := d.SignUp(ctx, d.letter(t).Token, goodPassword)
	ok(t, "sign up", err)
	is("signed up by letter", p.ID, true)
	ok(t, "ask for another address", d.AskEmail(ctx, added, "minh2@x.vn"))
	_, err = d.ChangeEmail(ctx, d.letter(t).Token)
	ok(t, "change", err)
	is("changed by letter", added.Person, true)
}
