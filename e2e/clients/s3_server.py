"""A server that speaks as Amazon S3 does (moto), with one bucket and one access key; it verifies every signature.

Says in one line of JSON where it is and what the key is, and serves until its standard input ends.
"""

import json
import os
import sys

# Four actions make what is below; every later one has to be signed rightly and allowed.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "4"

import boto3
from moto.server import ThreadedMotoServer

BUCKET = sys.argv[1]

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
endpoint = f"http://{host}:{port}"


def client(service, **key):
    return boto3.client(service, region_name="us-east-1", endpoint_url=endpoint, **key)


anybody = {"aws_access_key_id": "anybody", "aws_secret_access_key": "anybody"}
iam = client("iam", **anybody)
client("s3", **anybody).create_bucket(Bucket=BUCKET)
iam.create_user(UserName="gate")
key = iam.create_access_key(UserName="gate")["AccessKey"]
allowed = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
            "Resource": "*",
        }
    ],
}
iam.put_user_policy(UserName="gate", PolicyName="archive", PolicyDocument=json.dumps(allowed))

print(json.dumps({"endpoint": endpoint, "id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}), flush=True)
sys.stdin.read()
server.stop()
