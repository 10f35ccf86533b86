{{/* What no schema can say over several keys. */}}
{{- define "serving.check" -}}
{{- $v := .Values -}}
{{- if not $v.image }}{{ fail "image: name the image of gateway, engine and Redis, best by digest: npm run image -- serving" }}{{ end -}}
{{- if not (or $v.models.claim $v.models.image $v.models.path) }}{{ fail "models: say where they are: models.claim, models.image, or models.path in the image" }}{{ end -}}
{{- if eq $v.trust.release "attested" }}{{ fail "trust.release: keys are not released after attestation yet. Write secrets, and know that the hosts can read Kubernetes Secrets" }}{{ end -}}
{{- range $part := list "gateway" "engine" }}
{{- $scaling := (get $v $part).autoscaling }}
{{- if gt (int $scaling.minimum) (int $scaling.maximum) }}{{ fail (printf "%s.autoscaling: minimum is %d and maximum %d. Let maximum be the larger" $part (int $scaling.minimum) (int $scaling.maximum)) }}{{ end -}}
{{- end }}
{{- range $model, $shares := $v.models.weights }}
{{- $total := 0 }}
{{- range $shares }}{{ $total = add $total (int .) }}{{ end -}}
{{- if eq (int $total) 0 }}{{ fail (printf "models.weights.%s gives no version a share. Write { \"1\": 90, \"2\": 10 }" $model) }}{{ end -}}
{{- end }}
{{- end }}

{{/* Bytes of a size such as 2g. */}}
{{- define "serving.bytes" -}}
{{- $number := regexFind "^[0-9]+" . | int64 -}}
{{- mul $number (get (dict "k" 1024 "m" 1048576 "g" 1073741824 "t" 1099511627776) (lower (trimPrefix (toString $number) .))) -}}
{{- end }}

{{/* Mebibytes of a size, rounded up. */}}
{{- define "serving.mebibytes" -}}
{{ div (add (include "serving.bytes" . | int64) 1048575) 1048576 }}
{{- end }}

{{/* Milliseconds of a duration such as 90s. */}}
{{- define "serving.milliseconds" -}}
{{- $number := regexFind "^[0-9]+" . | int64 -}}
{{- mul $number (get (dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000) (trimPrefix (toString $number) .)) -}}
{{- end }}

{{/* Seconds of a duration, rounded up. */}}
{{- define "serving.seconds" -}}
{{ div (add (include "serving.milliseconds" . | int64) 999) 1000 }}
{{- end }}

{{/* A value as a text: whole numbers without exponent. */}}
{{- define "serving.text" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end }}

{{/* Labels or annotations of the user, each a text whatever it looks like. In: names to values. */}}
{{- define "serving.texts" -}}
{{- $lines := list -}}
{{- range $name, $value := . }}{{ $lines = append $lines (printf "%q: %q" $name (include "serving.text" $value)) }}{{ end -}}
{{- join "\n" $lines -}}
{{- end }}
