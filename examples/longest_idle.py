"""A routing system with Python's standard library: the longest waiting call goes to the longest idle agent.

    POINTSMAN_TOKEN=… python3 examples/longest_idle.py ROUTE_POINT AGENT…

ROUTE_POINT is a route point’s address, from http:// to the slash at its end; AGENT… are whole ids of users
of its group. The token, of an admin of the group, is of POST /api/v1/tokens/. Ctrl-C ends it; calls go on.
"""
import json
import os
import queue
import signal
import sys
import threading
import time
from urllib.request import HTTPError, Request, urlopen

route_point, *names = sys.argv[1:] or sys.exit(__doc__)
services, _, identifier = route_point.rstrip('/').rpartition('route_points/')
stream = f'{services}call_events/?routePoint={identifier}&routing=true'
presence = f'{services}call_events/presence/?routePoint={identifier}'
headers = {'Authorization': f'Bearer {os.environ["POINTSMAN_TOKEN"]}', 'Content-Type': 'application/json'}

# What the events have told, and until when calls and agents are left alone. Of whom nothing was told is free.
calls, agents, pauses = {}, {}, {}
# Events on their way from the thread that hears them. Without a stream nobody is told that we route.
heard, hearing = queue.Queue(), threading.Event()


def post(url, body):
    try:
        with urlopen(Request(url, json.dumps(body).encode(), headers), timeout=5) as answer:
            return answer.status, None, answer.read().decode()
    except HTTPError as error:
        return error.code, error.headers.get('Retry-After'), error.read().decode()


def offer(call_id, agent):
    pauses[call_id] = pauses[agent] = time.monotonic() + 5  # Until the events tell what follows from it.
    status, seconds, text = post(f'{route_point}calls/{call_id}/offer/', {'agent': agent})
    print(f'{call_id} → {agent}: {status} {text}')
    if status != 201:
        # 404: the call is over. 409: it or the agent is taken, or a telephone has failed. 400: no such agent.
        pauses[call_id] = time.monotonic() + 0.5
        pauses[agent] = time.monotonic() + float(seconds or (30 if status == 400 else 2))


def is_free(name):
    now = time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())
    return agents.get(name, ('', ''))[0] < now and pauses.get(name, 0) < time.monotonic()


def route():
    waiting = [call for call in calls.values() if call['state'] == 'waiting']
    for call in sorted(waiting, key=lambda one: (not one['isBounced'], one['waitingSince'], one['callId'])):
        free = sorted(filter(is_free, names), key=lambda name: max(agents.get(name, ('', ''))))
        if free and pauses.get(call['callId'], 0) < time.monotonic():
            offer(call['callId'], free[0])


def note(kind, event):
    if kind == 'snapshot':
        calls.clear()
    for agent in event.get('agents', [event] if kind == 'agent.changed' else []):
        # Until when they are busy, and since when they are so. A wrap-up ends by itself, without an event.
        until = '' if agent['state'] == 'Available' else agent.get('until', '9999')
        agents[agent['agent'].lower()] = until, agent.get('since', '')
    for call in event.get('calls', [event['call']] if 'call' in event else []):
        calls[call['callId']] = call
        if call['state'] != 'waiting':
            pauses.pop(call['callId'], None)
        if kind == 'call.ended' or event.get('hasLeft'):
            del calls[call['callId']]
    if kind == 'call.offerFailed':
        pauses[event['offer'].get('agent', '').lower()] = time.monotonic() + 10  # They may be away.


def listen(last):
    while True:
        try:
            # Three heartbeats have been missed after 45 s.
            with urlopen(Request(stream, headers={**headers, **last}), timeout=45) as lines:
                field = {}
                for line in lines:
                    name, _, value = line.decode().rstrip('\n').partition(': ')
                    field[name] = value
                    if name == '':
                        last = {'Last-Event-ID': field['id']} if 'id' in field else last
                        heard.put((field.get('event'), json.loads(field.get('data', '{}'))))
                        hearing.set()
                        field = {}
        except HTTPError as error:
            print(f'The events cannot be seen: {error.code} {error.read().decode()}')
            # A wrong token or address does not mend by itself; whoever watches over this program learns it.
            if error.code < 500 and error.code != 429:
                os._exit(1)
            time.sleep(float(error.headers.get('Retry-After', 1)))
        except Exception as error:
            print(f'No answer: {error}')
        hearing.clear()
        time.sleep(1)


names, due = [name.lower() for name in names], 0
sys.stdout.reconfigure(line_buffering=True)
for name in (signal.SIGINT, signal.SIGTERM):
    signal.signal(name, lambda *_: os._exit(0))
threading.Thread(target=listen, args=[{}], daemon=True).start()
while True:
    time.sleep(0.1)
    while not heard.empty():
        note(*heard.get())
    try:
        if hearing.is_set() and time.monotonic() > due:
            due = time.monotonic() + 10
            post(presence, {})
        if hearing.is_set():
            route()
    except Exception as error:
        print(f'No answer: {error}')
