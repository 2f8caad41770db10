package portal

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"lgsp/auth"
)

func (a *API) leakRoutes(r routes) {
	r.on(http.MethodPost, "/leaks", a.reportLeaks)
	r.get("/scanners", a.listScanners)
	r.post("/scanners", a.addScanner)
	r.remove("/scanners/{id}", a.removeScanner)
}

// leaksLimit is what a scanner's report may measure, in bytes.
const leaksLimit = 256 << 10

// reportLeaks answers POST /leaks.
//
//	@Summary		Report leaked keys, secrets and tokens: each that is one of ours is revoked at once
//	@Description	For secret-scanning programmes: the body is signed with ECDSA P-256 and SHA-256 by a key that the operator trusts (POST /scanners).
//	@Tags			leaks
//	@Param			Github-Public-Key-Identifier	header		string			true	"identifier of the scanner's key"
//	@Param			Github-Public-Key-Signature		header		string			true	"signature over the body, base64"
//	@Param			body							body		[]auth.Leak	true	"at most 100"
//	@Success		200								{array}		auth.LeakVerdict
//	@Router			/leaks [post]
func (a *API) reportLeaks(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, leaksLimit))
	if err != nil {
		return bodyProblem(err, int64(len(body)))
	}
	verdicts, err := a.Auth.ReportLeaks(r.Context(), auth.LeakReport{
		KID: r.Header.Get("Github-Public-Key-Identifier"), Signature: r.Header.Get("Github-Public-Key-Signature"), Body: body})
	if err != nil {
		return err
	}
	answer, err := json.Marshal(verdicts)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return write(w, http.StatusOK, answer)
}

// listScanners answers GET /scanners.
//
//	@Summary	The scanners that may report leaks, for the operator
//	@Tags		leaks
//	@Security	bearer
//	@Success	200	{object}	items[auth.Scanner]
//	@Router		/scanners [get]
func (a *API) listScanners(w http.ResponseWriter, r *http.Request) error {
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[auth.Scanner], error) {
		list, err := a.Auth.Scanners(ctx, who)
		return items[auth.Scanner]{Items: list}, err
	})
}

// newScanner is a scanner to be trusted.
type newScanner struct {
	Name      string `json:"name"`
	KID       string `json:"kid"`        // as its reports name the key
	PublicKey string `json:"public_key"` // ECDSA P-256, PEM
}

// addScanner answers POST /scanners.
//
//	@Summary	Trust a scanner's key, for the operator
//	@Tags		leaks
//	@Security	bearer
//	@Param		body	body		newScanner	true	"who, and by which key"
//	@Success	201		{object}	auth.Scanner
//	@Router		/scanners [post]
func (a *API) addScanner(w http.ResponseWriter, r *http.Request) error {
	return create(a, w, r, func(ctx context.Context, who auth.Principal, n newScanner) (auth.Scanner, string, error) {
		made, err := a.Auth.AddScanner(ctx, who, n.Name, n.KID, n.PublicKey)
		return made, "/scanners/" + made.ID.String(), err
	})
}

// removeScanner answers DELETE /scanners/{id}.
//
//	@Summary	Trust a scanner's key no longer
//	@Tags		leaks
//	@Security	bearer
//	@Param		id	path	string	true	"id"
//	@Success	204
//	@Router		/scanners/{id} [delete]
func (a *API) removeScanner(w http.ResponseWriter, r *http.Request) error {
	return remove(a, w, r, a.Auth.RemoveScanner)
}
