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
