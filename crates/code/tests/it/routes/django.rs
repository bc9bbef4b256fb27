//! Django's REST framework: viewsets on routers, permissions of classes and of settings.

use super::{inventory, said};

const URLS: &str = "from django.urls import include, path
from rest_framework.routers import DefaultRouter
from . import views

router = DefaultRouter()
router.register('orders', views.Orders)
router.register(r'items', views.Items, basename='item')

urlpatterns = [
    path('api/', include(router.urls)),
    path('api/stats/', views.stats),
]
";

const VIEWS: &str = "from rest_framework import viewsets, mixins
from rest_framework.decorators import action, api_view, permission_classes
from rest_framework.permissions import AllowAny, IsAuthenticated
from .models import Item, Order

class Orders(viewsets.ModelViewSet):
    permission_classes = [IsAuthenticated]
    queryset = Order.objects.all()

    def get_queryset(self):
        return Order.objects.filter(owner=self.request.user)

    @action(detail=True, methods=['post'])
    def cancel(self, request, pk=None):
        order = self.get_object()
        order.delete()

class Items(viewsets.ViewSet):
    def list(self, request):
        return Item.objects.all()

    def create(self, request):
        Item.objects.create(name=request.data['name'])

@api_view(['POST'])
@permission_classes([AllowAny])
def stats(request):
    Item.objects.create(name='visit')
";

const FILES: &[(&str, &str)] = &[("shop/urls.py", URLS), ("shop/views.py", VIEWS)];

#[test]
fn viewsets_answer_what_they_have() {
    let lines = inventory(FILES);
    let heads: Vec<&str> = lines.iter().filter_map(|line| line.split(';').next()).collect();
    assert_eq!(
        heads,
        [
            "GET /api/items list",
            "POST /api/items create",
            "GET /api/orders list",
            "POST /api/orders create",
            "DELETE /api/orders/{id} destroy",
            "GET /api/orders/{id} retrieve",
            "PATCH /api/orders/{id} partial_update",
            "PUT /api/orders/{id} update",
            "POST /api/orders/{id}/cancel cancel",
            "POST /api/stats stats",
        ]
    );
    assert!(lines.iter().filter(|line| line.contains("/orders")).all(|line| line.contains("authentication")));
}

#[test]
fn settings_stand_before_all_views() {
    assert_eq!(said(FILES), ["authz.route.missing shop/urls.py:7"]);
    let settings = "REST_FRAMEWORK = {
    'DEFAULT_PERMISSION_CLASSES': ['rest_framework.permissions.IsAuthenticated'],
}
";
    let manage = ("manage.py", "import sys\n");
    assert_eq!(said(&[manage, FILES[0], FILES[1], ("shop/settings.py", settings)]), [""; 0]);
}

/// What a view of the framework does is not written in it.
#[test]
fn views_of_the_framework_are_judged_by_their_methods() {
    let urls = "
from django.urls import path
from . import views
urlpatterns = [
    path('notes/<int:pk>/delete/', views.AnyDelete.as_view()),
    path('drafts/<int:pk>/', views.ForeignUpdate.as_view()),
    path('own/<int:pk>/', views.OwnUpdate.as_view()),
    path('posts/<int:pk>/', views.Post.as_view()),
]
";
    let views = "
from django.contrib.auth.mixins import LoginRequiredMixin
from django.views.generic import DeleteView, DetailView, UpdateView
from .models import Note

class AnyDelete(DeleteView):
    model = Note

class ForeignUpdate(LoginRequiredMixin, UpdateView):
    model = Note

class OwnUpdate(LoginRequiredMixin, UpdateView):
    model = Note
    def get_queryset(self):
        return Note.objects.filter(owner=self.request.user)

class Post(DetailView):
    model = Note
";
    let files = [("app/urls.py", urls), ("app/views.py", views)];
    assert_eq!(said(&files), ["authz.idor app/urls.py:6", "authz.route.missing app/urls.py:5"]);
    let other = "
from django.contrib.auth.mixins import LoginRequiredMixin
from django.views.generic import DeleteView, DetailView, UpdateView
from rules.views import CheckedView
from .models import Note

class AnyDelete(CheckedView, DeleteView):
    model = Note

class ForeignUpdate(CheckedView, LoginRequiredMixin, UpdateView):
    model = Note

class OwnUpdate(LoginRequiredMixin, UpdateView):
    model = Note
    def get_queryset(self):
        return Note.objects.filter(owner=self.request.user)

class Post(DetailView):
    model = Note
";
    let files = [("app/urls.py", urls), ("app/views.py", other)];
    assert_eq!(said(&files), [""; 0], "what another package checks nobody knows");
}
