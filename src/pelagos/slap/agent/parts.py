"""Put an agent together: the parts of which `loop` is the middle."""

from __future__ import annotations

import queue
from dataclasses import dataclass
from functools import partial

from pelagos.core.clock import Clock, SystemClock
from pelagos.slap.agent.apply import Applier
from pelagos.slap.agent.bookkeeper import Bookkeeper
from pelagos.slap.agent.builders.base import Builder
from pelagos.slap.agent.builders.buildout import BuildoutBuilder
from pelagos.slap.agent.cache import BinaryCache
from pelagos.slap.agent.cause import Causes
from pelagos.slap.agent.correspondence import Correspondence
from pelagos.slap.agent.keeper import Keeper
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.news import News
from pelagos.slap.agent.observe import Observer
from pelagos.slap.agent.promise import PromiseRunner
from pelagos.slap.agent.recall import Recall
from pelagos.slap.agent.room import Room
from pelagos.slap.agent.settings import AgentSettings
from pelagos.slap.agent.supervisors.base import Supervisor
from pelagos.slap.agent.supervisors.supervisord import Supervisord
from pelagos.slap.agent.work import Work
from pelagos.slap.client import SlapClient


@dataclass(frozen=True, slots=True)
class Parts:
    """What one agent consists of, besides its memory.

    Attributes:
        inbox: news for the loop, from any thread.
    """

    clock: Clock
    layout: Layout
    builder: Builder
    supervisor: Supervisor
    recall: Recall
    inbox: queue.Queue[News]
    work: Work
    mail: Correspondence
    keeper: Keeper
    bookkeeper: Bookkeeper


def make_parts(
    settings: AgentSettings,
    client: SlapClient,
    *,
    clock: Clock | None = None,
    builder: Builder | None = None,
    supervisor: Supervisor | None = None,
) -> Parts:
    """The parts of an agent, joined; see `loop.Agent` for the arguments."""
    clock = clock or SystemClock()
    layout = Layout(settings.root, settings.partition_count)
    causes = Causes(settings.computer_id, clock)
    cache = None if settings.cache is None else BinaryCache(settings.cache, layout)
    builder = builder or BuildoutBuilder(layout, settings, clock=clock, cache=cache)
    supervisor = supervisor or Supervisord(layout, clock=clock, log_limit=settings.log_limit)
    # No SimpleQueue: its wait with a limit never ends when a signal comes as the limit is reached.
    inbox: queue.Queue[News] = queue.Queue()
    applier = Applier(
        layout,
        computer_id=settings.computer_id,
        client=client,
        builder=builder,
        supervisor=supervisor,
        promises=PromiseRunner(
            timeout=settings.promise_timeout, clock=clock, interval=settings.promise_interval
        ),
        clock=clock,
        hook_timeout=settings.hook_timeout,
        authority=settings.authority,
        room=Room(settings.software_min_free_space, settings.instance_min_free_space),
    )
    work = Work(settings, applier, clock=clock, post=inbox.put)
    mail = Correspondence(
        settings,
        client,
        layout=layout,
        causes=causes,
        clock=clock,
        do=partial(work.do_in, "contact"),
        post=inbox.put,
    )
    keeper = Keeper(
        supervisor,
        Observer(
            layout,
            builder,
            supervisor,
            clock=clock,
            maximum_periodicity=settings.maximum_periodicity,
        ),
        causes=causes,
        clock=clock,
        do=partial(work.do_in, "supervisor"),
        post=inbox.put,
    )
    bookkeeper = Bookkeeper(settings, client, layout=layout, supervisor=supervisor, clock=clock)
    recall = Recall(settings)
    return Parts(clock, layout, builder, supervisor, recall, inbox, work, mail, keeper, bookkeeper)
