{{/* Names, labels, and what the pods of all parts have in common. */}}

{{- define "pantile.name" -}}
{{- if contains "pantile" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-pantile" .Release.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* Called with (dict "root" $ "part" "web"). */}}
{{- define "pantile.selector" -}}
app.kubernetes.io/name: pantile
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "pantile.labels" -}}
{{ include "pantile.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "pantile.tag" -}}
{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "pantile.secret" -}}
{{- if .Values.bundled.enabled }}{{ include "pantile.name" . }}-bundled{{ else }}{{ required "secret: the name of the Secret with the addresses and keys of the servers" .Values.secret }}{{ end }}
{{- end }}

{{/* What the bundled servers take beside the secret's files. */}}
{{- define "pantile.s3Endpoint" -}}
{{- if .Values.bundled.enabled }}http://{{ include "pantile.name" . }}-minio:9000{{ else }}{{ .Values.s3.endpoint }}{{ end }}
{{- end }}

{{/* The environment of every process of ours; secrets come as files. */}}
{{- define "pantile.environment" -}}
{{- $values := .root.Values }}
- { name: PANTILE_SECRETS_DIR, value: /run/secrets/pantile }
- { name: PANTILE_S3_ENDPOINT, value: {{ include "pantile.s3Endpoint" .root | quote }} }
- { name: PANTILE_S3_PUBLIC_ENDPOINT, value: {{ $values.s3.publicEndpoint | quote }} }
- { name: PANTILE_S3_REGION, value: {{ $values.s3.region | quote }} }
- { name: PANTILE_S3_BUCKET, value: {{ $values.s3.bucket | quote }} }
- { name: PANTILE_API_URL, value: "http://{{ include "pantile.name" .root }}-web:8800" }
- { name: PANTILE_WEB_URL, value: {{ $values.web.url | quote }} }
- { name: PANTILE_LOG_FORMAT, value: json }
- { name: PANTILE_HOME, value: /tmp/pantile }
{{- if $values.metrics.enabled }}
- { name: PANTILE_METRICS_HOST, value: 0.0.0.0 }
- { name: PANTILE_METRICS_PORT, value: {{ $values.metrics.port | quote }} }
{{- end }}
{{- range $name, $value := $values.settings }}
- { name: PANTILE_{{ upper $name }}, value: {{ $value | quote }} }
{{- end }}
{{- end }}

{{- define "pantile.pod" -}}
serviceAccountName: {{ include "pantile.name" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "pantile.container" -}}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{/* The secret as files, but for what a part does not need: (dict "root" $ "keys" (list …)); of those that may be missing too. */}}
{{- define "pantile.secretVolume" -}}
name: secret
projected:
  defaultMode: 0440
  sources:
    - secret:
        name: {{ include "pantile.secret" .root }}
        items:
          {{- range .keys }}
          - { key: {{ . }}, path: {{ . }} }
          {{- end }}
    {{- range .optional }}
    - secret:
        name: {{ include "pantile.secret" $.root }}
        optional: true
        items: [{ key: {{ . }}, path: {{ . }} }]
    {{- end }}
{{- end }}

{{- define "pantile.metricsPort" -}}
{{- if .Values.metrics.enabled }}
- { name: metrics, containerPort: {{ .Values.metrics.port }} }
{{- end }}
{{- end }}
