{{- define "berth.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "berth.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{ include "berth.selector" . }}
{{- end -}}

{{- define "berth.selector" -}}
app.kubernetes.io/name: berth
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Asks the controller on its socket: it has no probes on the network. */}}
{{- define "berth.probe" -}}
exec:
  command:
    - /usr/bin/node
    - -e
    - require('http').get({socketPath:'/run/berth/berth.sock',path:'/{{ . }}'},r=>process.exit(r.statusCode===200?0:1)).on('error',()=>process.exit(1))
{{- end -}}

{{/* The volume that makes a node who it is: a token, the controllers' CA, their addresses. */}}
{{- define "berth.identity" -}}
name: identity
projected:
  # 0400: in decimal, because YAML 1.2 reads no octal there.
  defaultMode: 256
  sources:
    - serviceAccountToken:
        audience: berth
        expirationSeconds: {{ .Values.installer.tokenExpirationSeconds }}
        path: token
    - configMap:
        name: berth-identity
        items:
          - { key: ca.crt, path: ca.crt }
          - { key: endpoints, path: endpoints }
{{- end -}}

{{/* helm upgrade --reuse-values leaves out the defaults of what an earlier chart did not have; without this, Helm's words are about nil pointers. */}}
{{- define "berth.requireNewValues" -}}
{{- range list "metrics" "serviceMonitor" "bridgeNetwork" "openShift" -}}
{{- if not (hasKey $.Values .) -}}
{{- fail (printf "there is no value %s, as in a chart before 0.2.0: instead of --reuse-values use --reset-then-reuse-values" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
