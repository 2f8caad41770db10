package portal

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"lgsp/auth"
)

// newcomer is who wants an account.
type newcomer struct {
	Email  string `json:"email"`
	Name   string `json:"name"`
	Locale string `json:"locale"` // vi, en
}

// letterAsked says that a letter is on its way, whoever the address belongs to.
type letterAsked struct {
	Email string `json:"email"` // where it goes
	Next  string `json:"next"`  // where the token of its link is to be sent
}

// signUp answers POST /sign-up.
//
//	@Summary	Ask for an account: a letter with a one-time link goes to the address. The answer is the same when it has one
//	@Tags		people
//	@Param		body	body		newcomer	true	"who"
//	@Success	202		{object}	letterAsked
//	@Router		/sign-up [post]
func (a *API) signUp(w http.ResponseWriter, r *http.Request) error {
	n, err := decode[newcomer](w, r)
	if err != nil {
		return err
	}
	if err := a.Auth.AskSignUp(r.Context(), auth.NewPerson{Email: n.Email, Name: n.Name, Locale: n.Locale}); err != nil {
		return err
	}
	text, err := json.Marshal(letterAsked{Email: n.Email, Next: "/api/v1/sign-up/confirm"})
	if err != nil {
		return err
	}
	return write(w, http.StatusAccepted, text)
}

// confirmation is a newcomer with the proof of the address.
type confirmation struct {
	Token    string `json:"token"`    // of the link in the letter
	Password string `json:"password"` // at least 8 characters
}

// welcome is what a newcomer is shown, once.
type welcome struct {
	Person      auth.Person      `json:"person"`
	Token       string           `json:"token"` // personal access token, 24 hours
	Application auth.Application `json:"application"`
	Credentials []auth.Issued    `json:"credentials"`
}

// confirmSignUp answers POST /sign-up/confirm.
//
//	@Summary	Make the account that a letter's link is for, its first application with a key and a secret, and a token, all shown once
//	@Tags		people
//	@Param		body	body		confirmation	true	"the link's token, and a password"
//	@Success	201		{object}	welcome
//	@Router		/sign-up/confirm [post]
func (a *API) confirmSignUp(w http.ResponseWriter, r *http.Request) error {
	c, err := decode[confirmation](w, r)
	if err != nil {
		return err
	}
	hello, err := a.settle(r.Context(), c)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", showsSecret)
	return created(w, "/me", hello)
}

// settle makes an account with everything a first call needs.
func (a *API) settle(ctx context.Context, c confirmation) (welcome, error) {
	person, err := a.Auth.SignUp(ctx, c.Token, c.Password)
	if err != nil {
		return welcome{}, err
	}
	who, err := a.Auth.WhoByPerson(ctx, person.ID)
	if err != nil {
		return welcome{}, err
	}
	application, issued, err := a.Auth.CreateApplication(ctx, who, auth.NewApplication{Name: firstName(person.Locale)})
	if err != nil {
		return welcome{}, err
	}
	_, token, err := a.Auth.CreateToken(ctx, who, "sign-up", 24*time.Hour)
	return welcome{Person: person, Token: token, Application: application, Credentials: issued}, err
}
