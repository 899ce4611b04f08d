#!/bin/sh
# Makes a bucket, and an account with rights to it and to nothing else; safe to repeat: make-account ENDPOINT BUCKET
# Root's password comes as MINIO_ROOT_PASSWORD, the account's keys as ACCOUNT_ACCESS_KEY and ACCOUNT_SECRET_KEY.
set -eu
endpoint=$1 bucket=$2
export MC_CONFIG_DIR="${TMPDIR:-/tmp}/mc"
export MC_HOST_store="${endpoint%%://*}://$MINIO_ROOT_USER:$MINIO_ROOT_PASSWORD@${endpoint#*://}"
mkdir -p "$MC_CONFIG_DIR"

mc mb --quiet --ignore-existing "store/$bucket"
cat > "$MC_CONFIG_DIR/policy.json" <<POLICY
{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
            "Resource": "arn:aws:s3:::$bucket"
        },
        {
            "Effect": "Allow",
            "Action": [
                "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"
            ],
            "Resource": "arn:aws:s3:::$bucket/*"
        }
    ]
}
POLICY
mc admin policy create --quiet store "$bucket" "$MC_CONFIG_DIR/policy.json"
# From standard input, so that the secret is on no command line.
printf '%s\n%s\n' "$ACCOUNT_ACCESS_KEY" "$ACCOUNT_SECRET_KEY" | mc admin user add --quiet store
if ! mc admin user info store "$ACCOUNT_ACCESS_KEY" | grep -q "^PolicyName: $bucket\$"; then
    mc admin policy attach --quiet store "$bucket" --user "$ACCOUNT_ACCESS_KEY"
fi
